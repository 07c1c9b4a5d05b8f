"""Requests as no client sends them: sound ones, changed by a seeded source of chance, as bytes and how they are sent."""

import dataclasses
import socket

TOPOLOGY_PATHS = ("", "/versions", "/log?count=5", "/why", "/dead-letters", "/replay", "/tap?node=records", "/tap?node=x&after=-1")
TOPOLOGY_ACTIONS = ("/pause", "/resume", "/restart", "/replay", "/replay?rehearse=true")
OPEN = ("/metrics", "/health", "/ready", "/sign-in", "/assets/page.css", "/assets/page.js", "/assets/icon.svg")
VIEWS = ("/", "/topologies/{name}", "/topologies/{name}/partitions", "/topologies/{name}/tables?range=all",
         "/topologies/{name}/dead-letters", "/topologies/{name}/changes", "/topologies/{name}/why")
PAGE_ACTIONS = ("pause", "resume", "restart", "discard", "promote", "rollback", "replay")

#: What paths are made of by those who look for a way out of them.
TRICKS = ("..", "%2e%2e", "%2E%2e%2f", "%2f", "%5c", "\\", "//", "/./", ";", "%00", "%0d%0a", "%c0%ae", "%ff", "%", "%zz", "?", "#",
          "%252e", "~", "'", "\"", "<script>", "${DATABASE_URL}", "\u2025", "*", "{name}", "@", " ", "\t")
#: Bytes that end or split something, or are none of a text.
SPICE = b"\r\n\0\t :;,/%?#&=+\"'\\{}[]<>\x7f\x80\xc0\xff09aZ"
LENGTHS = ("0", "-1", "+5", "5, 5", "0x5", "5 5", "00000000005", "65536", "65537", "18446744073709551616", "", "\u0665", "1e3", "5\t")
#: Headers by which others were led to see another request, sender or place than was meant.
HEADERS = (
    "Transfer-Encoding: chunked", "Transfer-Encoding: identity", "Transfer-Encoding : chunked", "Transfer-Encoding:\x0bchunked",
    "Content-Length: 0", "Expect: 100-continue", "Upgrade: websocket", "Upgrade: h2c", "Connection: keep-alive, Upgrade",
    "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: localhost", "X-Original-URL: /api/v1/topologies", "X-Rewrite-URL: /",
    "X-HTTP-Method-Override: POST", "Host: evil.example", "Host: localhost@evil.example", "Host:", "Host: [::1]evil",
    "Origin: null", "Origin: http://evil.example", "Origin: http://localhost.evil.example", "Authorization: Bearer",
    "Authorization: Basic Og==", "authorization: bearer ", "Authorization: Bearer \xff", "Cookie: millrace_80=x; millrace_80=y",
    "Cookie: ;;;===;", "Content-Type: application/x-www-form-urlencoded; charset=utf-16", "Range: bytes=0-,0-,0-",
    "Accept-Encoding: gzip, gzip, gzip", "TE: trailers", " folded: line", "no colon", ": no name", "\0: nul", "X-\r\nY: split",
)


@dataclasses.dataclass
class Wild:
    """What is sent: pieces, one after the other, and whether the sender then says that nothing more comes."""

    pieces: list
    hangs_up: bool = True

    @property
    def bytes(self):
        return b"".join(self.pieces)


def exchange(connection, request):
    """Sends it, and returns all that comes back until the other side has ended."""
    try:
        for piece in request.pieces:
            connection.sendall(piece)
        if request.hangs_up:
            connection.shutdown(socket.SHUT_WR)
    except (BrokenPipeError, ConnectionResetError):
        pass  # It had answered already.
    answer = b""
    try:
        while data := connection.recv(1 << 16):
            answer += data
    except ConnectionResetError:
        pass
    return answer


def sound(random, name, tokens):
    """A request that would be answered, as a method, a target, headers and a body."""
    kind = random.randrange(6)
    headers = ["Host: localhost"]
    token = random.choice(tokens)
    body = b""
    if kind == 0:
        method, target = random.choice(("GET", "HEAD")), random.choice(OPEN)
    elif kind == 1:
        method, target = "GET", random.choice(VIEWS).format(name=name)
        headers.append(f"Cookie: millrace_80={token}")
    elif kind == 2:
        method, target = "POST", "/sign-in"
        body = f"token={token}".encode()
    elif kind == 3:
        method, target = "POST", f"/topologies/{name}/{random.choice(PAGE_ACTIONS)}"
        body = f"form_token={token}&cause=wrong_type&version=1&with={name}".encode()
    elif kind == 4:
        method, target = "POST", f"/api/v1/topologies/{name}{random.choice(TOPOLOGY_ACTIONS)}"
    else:
        method = random.choice(("GET", "HEAD"))
        target = random.choice(
            ["/api/v1/openapi.json", "/api/v1/topologies", "/api/v1/processes"]
            + [f"/api/v1/topologies/{name}{path}" for path in TOPOLOGY_PATHS])
    if token and kind >= 4:
        headers.append(f"Authorization: Bearer {token}")
    if body:
        headers += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
    return method, target, headers, body


def changed_target(random, target):
    parts = target.split("/")
    for _ in range(random.randint(1, 3)):
        place = random.randrange(len(parts))
        parts[place] = random.choice((
            random.choice(TRICKS), parts[place] + random.choice(TRICKS), random.choice(TRICKS) + parts[place],
            "".join(f"%{ord(c) % 256:02x}" for c in parts[place]), parts[place].upper(), "a" * random.choice((300, 20_000))))
    found = "/".join(parts)
    return random.choice((found, "/" + found, "http://localhost" + found, "http://evil.example" + found, found + "/"))


def wild(random, name, tokens):
    """A request, changed in one or several ways."""
    method, target, headers, body = sound(random, name, tokens)
    version = "HTTP/1.1"
    changes = random.sample(range(9), random.randint(0, 3))
    if 0 in changes:
        target = changed_target(random, target)
    if 1 in changes:
        for _ in range(random.choice((1, 2, 150))):
            headers.insert(random.randint(0, len(headers)), random.choice(HEADERS))
    if 2 in changes:
        headers.append(f"Content-Length: {random.choice(LENGTHS)}")
    if 3 in changes:
        body = random.choice((b"5\r\nhello\r\n0\r\n\r\n", b"x" * random.choice((1, 65_536, 65_537)), b"%" * 50, b"&=&==;" * 9))
    if 4 in changes:
        method = random.choice(("PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "get", "PRI", "G" * 5_000, "", "POST"))
    if 5 in changes:
        version = random.choice(("HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "HTTP/1.1 ", "HTTP/1.1\tX", "http/1.1", "", "RTSP/1.0"))
    if 6 in changes:
        headers.append("X-Long: " + "x" * random.choice((1_000, 16_000, 40_000)))
    end = random.choice(("\r\n",) * 20 + ("\n", "\r", "\r\n\r\n"))
    text = end.join([f"{method} {target} {version}", *headers]) + end + end
    data = bytearray(text.encode("latin-1", "replace") + body)
    if 7 in changes:
        for _ in range(random.randint(1, 6)):
            place = random.randrange(len(data))
            random.choice((
                lambda: data.insert(place, random.choice(SPICE)), lambda: data.__setitem__(place, random.choice(SPICE)),
                lambda: data.__delitem__(slice(place, place + random.randint(1, 9)))))()
            if not data:
                break
    if 8 in changes:
        # A second request behind it: what is read of it would be an answer to nobody's question.
        data += b"POST /api/v1/topologies/" + name.encode() + b"/pause HTTP/1.1\r\nHost: localhost\r\n\r\n"
    return sent(random, bytes(data))


def sent(random, data):
    """How it goes over the wire: at once, in pieces, or only in part. Few leave the other side to wait for more."""
    way = random.randrange(8)
    if way == 0:
        return Wild([data[:random.randint(0, len(data))]])
    hangs_up = random.randrange(500) > 0
    if way == 1 and len(data) > 1:
        cuts = sorted({0, len(data), *(random.randrange(1, len(data)) for _ in range(random.randint(1, 6)))})
        return Wild([data[a:b] for a, b in zip(cuts, cuts[1:])], hangs_up)
    return Wild([data], hangs_up)
