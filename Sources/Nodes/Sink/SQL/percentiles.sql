-- Percentile sketches in SQL: numbers, values and buckets (docs/formats/quantiles.md).
--
-- For PostgreSQL 13 and later; plain SQL and PL/pgSQL, no extension, no special right but CREATE on the database.
-- Running it again brings everything up to date. Results are those of the engine to the last bit, merged bytes
-- are those the engine would have written. Names with an underscore are internal.

CREATE SCHEMA IF NOT EXISTS millrace;

-- One byte of 0 ... 255.
CREATE OR REPLACE FUNCTION millrace._byte(value int) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT set_byte(E'\\x00'::bytea, 0, value) $$;

-- An unsigned number of any size in groups of 7 bits, lowest first, bit 7 set on all but the last byte.
CREATE OR REPLACE FUNCTION millrace._varint(value numeric) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    rest numeric := value;
    bytes bytea := '';
BEGIN
    WHILE rest >= 128 LOOP
        bytes := bytes || millrace._byte(128 + mod(rest, 128)::int);
        rest := div(rest, 128);
    END LOOP;
    RETURN bytes || millrace._byte(rest::int);
END $$;

CREATE OR REPLACE FUNCTION millrace._zigzag(value numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT CASE WHEN value < 0 THEN -2 * value - 1 ELSE 2 * value END $$;

CREATE OR REPLACE FUNCTION millrace._unzigzag(value numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT CASE WHEN mod(value, 2) = 1 THEN -div(value + 1, 2) ELSE div(value, 2) END $$;

-- Always raises; one place for the SQLSTATE, 22P03 invalid_binary_representation.
CREATE OR REPLACE FUNCTION millrace._percentiles_malformed(what text) RETURNS void
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RAISE EXCEPTION 'percentile sketch: %', what USING ERRCODE = 'invalid_binary_representation';
END $$;

-- The number at an offset, and the offset behind it.
CREATE OR REPLACE FUNCTION millrace._read_varint(sketch bytea, start int, OUT value numeric, OUT next int)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    byte int;
    size int := length(sketch);
    shift int := 0;
    small bigint := 0;
    weight numeric := 72057594037927936;
BEGIN
    next := start;
    LOOP
        IF next >= size OR next > start + 27 THEN
            PERFORM millrace._percentiles_malformed(format('ends too early, found %s bytes', size));
        END IF;
        byte := get_byte(sketch, next);
        next := next + 1;
        -- 56 bits as bigint, which is several times cheaper, the rest as numeric.
        IF shift < 56 THEN
            small := small | ((byte & 127)::bigint << shift);
            shift := shift + 7;
        ELSE
            value := coalesce(value, small) + (byte & 127) * weight;
            weight := weight * 128;
        END IF;
        EXIT WHEN byte < 128;
    END LOOP;
    value := coalesce(value, small);
    IF byte = 0 AND next > start + 1 THEN
        PERFORM millrace._percentiles_malformed('number with a superfluous byte');
    END IF;
END $$;

-- MARK: Values. A raw value is the (scaled) integer, or a double's bits with the magnitude of negatives flipped, so
-- that raw values of any kind sort as the values do.

-- The eight bytes at an offset as a raw double.
CREATE OR REPLACE FUNCTION millrace._read_double(sketch bytea, start int) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    bits bigint;
BEGIN
    IF start + 8 > length(sketch) THEN
        PERFORM millrace._percentiles_malformed(format('ends too early, found %s bytes', length(sketch)));
    END IF;
    bits := ('x' || encode(substring(sketch FROM start + 1 FOR 8), 'hex'))::bit(64)::bigint;
    IF (bits >> 52) & 2047 = 2047 OR bits = -9223372036854775808 THEN
        PERFORM millrace._percentiles_malformed('value is not finite, or negative zero');
    END IF;
    RETURN CASE WHEN bits < 0 THEN bits # 9223372036854775807 ELSE bits END;
END $$;

CREATE OR REPLACE FUNCTION millrace._double_bytes(raw bigint) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT decode(lpad(to_hex(CASE WHEN raw < 0 THEN raw # 9223372036854775807 ELSE raw END), 16, '0'), 'hex') $$;

-- A raw value as a double; decimals are rounded once, from their exact digits.
CREATE OR REPLACE FUNCTION millrace._raw_to_double(code int, raw bigint) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    bits bigint;
    exponent int;
    mantissa bigint;
    magnitude double precision;
BEGIN
    IF code & 95 = 0 THEN
        RETURN raw;
    ELSIF code < 64 THEN
        RETURN (raw || 'e-' || (code & 31))::double precision;
    END IF;
    bits := CASE WHEN raw < 0 THEN raw # 9223372036854775807 ELSE raw END;
    exponent := ((bits >> 52) & 2047)::int;
    mantissa := bits & 4503599627370495;
    IF exponent = 0 AND mantissa = 0 THEN
        RETURN 0;
    ELSIF exponent = 0 THEN
        magnitude := mantissa::double precision * power(2::double precision, -537) * power(2::double precision, -537);
    ELSE
        exponent := exponent - 1075;
        magnitude := (mantissa | 4503599627370496)::double precision
            * power(2::double precision, exponent / 2) * power(2::double precision, exponent - exponent / 2);
    END IF;
    RETURN CASE WHEN bits < 0 THEN -magnitude ELSE magnitude END;
END $$;

-- A raw value in units of the last decimal place of the sum; doubles in 10^-9, half to even, within 2^127 - 1.
CREATE OR REPLACE FUNCTION millrace._raw_to_units(code int, raw bigint) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    bits bigint;
    exponent int;
    product numeric;
    divisor numeric;
    units numeric;
    twice numeric;
    limit_units CONSTANT numeric := 170141183460469231731687303715884105727;
BEGIN
    IF code < 64 THEN
        RETURN raw;
    END IF;
    bits := CASE WHEN raw < 0 THEN raw # 9223372036854775807 ELSE raw END;
    exponent := ((bits >> 52) & 2047)::int;
    product := (bits & 4503599627370495) + CASE WHEN exponent = 0 THEN 0 ELSE 4503599627370496 END;
    product := product * 1000000000;
    exponent := greatest(exponent, 1) - 1075;
    IF exponent >= 0 THEN
        units := CASE WHEN exponent > 127 THEN limit_units
                 ELSE least(product * power(2::numeric, exponent), limit_units) END;
    ELSIF exponent < -84 THEN
        units := 0;
    ELSE
        divisor := round(power(2::numeric, -exponent));
        units := div(product, divisor);
        twice := 2 * (product - units * divisor);
        IF twice > divisor OR (twice = divisor AND mod(units, 2) = 1) THEN
            units := units + 1;
        END IF;
    END IF;
    RETURN round(CASE WHEN bits < 0 THEN -units ELSE units END);
END $$;

-- MARK: Buckets. A key is bias + index for positive values, its negative for negative ones, 0 for zero; bias = 2^17.

-- The 64 boundaries of an octave, as 53-bit mantissas rounded down.
CREATE OR REPLACE FUNCTION millrace._boundaries() RETURNS bigint[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT ('{4503599627370496,4552640611975264,4602215617889652,4652330460224456,4702991017412879,4754203231900066,'
        || '4805973110840144,4858306726800863,4911210218475898,4964689791404917,5018751718701482,5073402341788886,'
        || '5128648071143992,5184495387049181,5240950840352481,5298021053235979,5355712719992597,5414032607811327,'
        || '5472987557571018,5532584484642806,5592830379701282,5653732309544489,5715297417922861,5777532926377168,'
        || '5840446135085607,5904044423720102,5968335252311937,6033326162126810,6099024776549417,6165438801977672,'
        || '6232576028726660,6300444331942436,6369051672525772,6438406098065966,6508515743784819,6579388833490888,'
        || '6651033680544134,6723458688831074,6796672353750546,6870683263210220,6945500098633947,7021131635980086,'
        || '7097586746770916,7174874399133263,7253003658850448,7331983690425700,7411823758157148,7492533227224511,'
        || '7574121564787629,7656598341096954,7739973230616134,7824256013156818,7909456575025820,7995584910184779,'
        || '8082651121422441,8170665421539707,8259638134547591,8349579696878213,8440500658608990,8532411684700150,'
        || '8625323556245721,8719247171738151,8814193548346688,8910173823209688}')::bigint[]
$$;

-- The key at scale 6 of a raw value.
CREATE OR REPLACE FUNCTION millrace._raw_to_key(code int, raw bigint) RETURNS int
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    bits bigint;
    magnitude bigint;
    fraction bigint;
    key int;
BEGIN
    bits := ('x' || encode(float8send(millrace._raw_to_double(code, raw)), 'hex'))::bit(64)::bigint;
    magnitude := bits & 9223372036854775807;
    IF magnitude < 4503599627370496 THEN
        RETURN 0;
    END IF;
    fraction := (magnitude & 4503599627370495) | 4503599627370496;
    -- width_bucket counts the boundaries up to and including its operand: those below the fraction.
    key := 131072 + 64 * ((magnitude >> 52)::int - 1023) + width_bucket(fraction - 1, millrace._boundaries());
    RETURN CASE WHEN bits < 0 THEN -key ELSE key END;
END $$;

-- The key on a grid so many halvings coarser: index -> ceil(index / 2^halvings).
CREATE OR REPLACE FUNCTION millrace._coarsened(key int, halvings int) RETURNS int
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN key > 0 THEN 131072 - ((131072 - key) >> halvings)
                WHEN key < 0 THEN ((131072 + key) >> halvings) - 131072
                ELSE 0 END
$$;

-- The upper end of a positive bucket, or with a factor the value reported for it.
CREATE OR REPLACE FUNCTION millrace._bucket_value(index int, halvings int, factor double precision)
RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    fine int := index << halvings;
    exponent int := (fine >> 6) - 52;
    boundary bigint := (millrace._boundaries())[(fine & 63) + 1];
BEGIN
    IF factor = 1 AND fine >= 65536 THEN
        RETURN 1.7976931348623157e308;
    ELSIF fine <= -68800 THEN
        -- Nearer to zero than to any other double.
        RETURN 0;
    END IF;
    RETURN boundary::double precision * factor
        * power(2::double precision, exponent / 2) * power(2::double precision, exponent - exponent / 2);
END $$;

-- 2 / (1 + b) for b = 2^(2^-scale), by halvings below scale 6.
CREATE OR REPLACE FUNCTION millrace._midpoint_factor(halvings int) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT (('{0.9945848405840976,0.9891699987466264,0.9783425376737737,0.9567053825006107,'
         || '0.9135727662741103,0.8284271247461902,0.6666666666666666,0.4}')::double precision[])[halvings + 1]
$$;
