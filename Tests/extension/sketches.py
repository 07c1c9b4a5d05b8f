"""Sketches of every sort: whole ones, made of the simplest stored forms by unions, and damaged ones."""

import math
import random
import struct

#: 12/5/8, 12/5/0 and 14/5/32 are those of topologies; the others come from the extension hll.
PARAMETERS = ("8c44", "8c40", "8e46", "8c7f", "8404", "aa7f", "6b41", "b14e")
KINDS = (0, 32, 34, 50, 73)


def number(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def signed(value):
    return number(2 * value if value >= 0 else -2 * value - 1)


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def hashes(self, parameters, count):
        """Single hashes; shifted ones reach the register values that random ones never do."""
        sort = self.random.randrange(3)
        head = bytes.fromhex("12" + parameters)
        for _ in range(count):
            shift = self.random.randrange(64) if sort == 0 else 0
            value = self.random.getrandbits(64) << shift & (1 << 64) - 1
            # Without an exact stage there is no form for a single hash: a SPARSE sketch of one register, if it may be.
            if parameters in ("8c40",):
                index, register = self.random.randrange(4096), min(31, 1 + self.random.randrange(1, 32))
                yield bytes.fromhex("13" + parameters) + (((index << 5) | register) << 7).to_bytes(3, "big")
            else:
                yield head + value.to_bytes(8, "big")
            if sort == 1 and self.random.random() < 0.1:
                yield bytes.fromhex("11" + parameters)

    def value(self, kind, sort):
        draw = self.random
        if kind != 73:
            return (draw.randrange(10), draw.randrange(1, 100_000), draw.randrange(-1_000, 1_000),
                    draw.randrange(-2**63, 2**63) >> draw.randrange(64), -draw.randrange(1, 2**40),
                    int(math.exp(draw.uniform(0, 20))))[sort]
        if sort == 3:
            while True:
                value = struct.unpack(">d", draw.getrandbits(64).to_bytes(8, "big"))[0]
                if math.isfinite(value):
                    return value or 0.0
        return (float(draw.randrange(10)), math.exp(draw.uniform(-3, 9)), draw.uniform(-1, 1) or 0.0, 0.0,
                -math.exp(draw.uniform(-3, 9)), math.exp2(draw.randrange(-200, 200) / 64))[sort]

    def values(self, kind, count):
        """Sketches of single values."""
        sort = self.random.randrange(6)
        for _ in range(count):
            value = self.value(kind, sort)
            yield bytes((0x22, kind)) + (struct.pack(">d", value + 0.0) if kind == 73 else signed(value))

    def sums(self, count):
        """Exact sums of single doubles."""
        for _ in range(count):
            value = self.value(73, self.random.choice((0, 1, 2, 4, 5, 3)))
            if value == 0:
                yield b"\x30"
                continue
            mantissa, denominator = abs(value).as_integer_ratio()
            exponent = -(denominator.bit_length() - 1)
            while mantissa & 1 == 0:
                mantissa >>= 1
                exponent += 1
            body = mantissa.to_bytes((mantissa.bit_length() + 7) // 8, "big")
            yield (b"\x32" if value < 0 else b"\x31") + signed(exponent) + body

    def damaged(self, whole):
        """The bytes with one bit, byte or end changed, or another beginning."""
        draw, data = self.random, bytearray(whole)
        at = draw.randrange(len(data))
        # Headers have most of what can be wrong.
        at = draw.randrange(min(12, len(data))) if draw.random() < 0.5 else at
        sort = draw.randrange(7)
        if sort == 0:
            data[at] ^= 1 << draw.randrange(8)
        elif sort == 1:
            data.insert(at, draw.randrange(256))
        elif sort == 2:
            del data[at]
        elif sort == 3:
            del data[at:]
        elif sort == 4:
            data[at] = draw.choice((0, 1, 127, 128, 255))
        elif sort == 5:
            data[at:at] = bytes(draw.choice((128, 255)) for _ in range(draw.randrange(1, 30)))
        else:
            data += bytes(draw.randrange(256) for _ in range(draw.randrange(1, 5)))
        return bytes(data)
