-- Exact sums of doubles in SQL: read, merge and write what Millrace stores (docs/formats/sums.md).
--
-- For PostgreSQL 13 and later; plain SQL and PL/pgSQL. A sum of doubles is a whole number times a power of two, which a
-- numeric holds to the last digit. Names with an underscore are internal.

CREATE SCHEMA IF NOT EXISTS millrace;

-- Always raises; one place for the SQLSTATE, 22P03 invalid_binary_representation.
CREATE OR REPLACE FUNCTION millrace._sum_malformed(what text) RETURNS void
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RAISE EXCEPTION 'sum of doubles: %', what USING ERRCODE = 'invalid_binary_representation';
END $$;

-- base^exponent by multiplication alone, exact to the last digit.
CREATE OR REPLACE FUNCTION millrace._whole_power(base numeric, exponent int) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    result numeric := 1;
    square numeric := base;
    rest int := exponent;
BEGIN
    WHILE rest > 0 LOOP
        IF rest & 1 = 1 THEN
            result := result * square;
        END IF;
        rest := rest >> 1;
        IF rest > 0 THEN
            square := square * square;
        END IF;
    END LOOP;
    RETURN result;
END $$;

-- The exact value of a stored sum.
CREATE OR REPLACE FUNCTION millrace._sum_decode(state bytea) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    size int := length(state);
    form int;
    byte int;
    exponent int;
    at int := 1;
    bits int;
    magnitude numeric := 0;
BEGIN
    IF size = 0 THEN
        PERFORM millrace._sum_malformed('found no bytes');
    END IF;
    form := get_byte(state, 0);
    IF form >> 4 = 1 THEN
        PERFORM millrace._sum_malformed('this is a sketch of uniques(); use uniques_estimate()');
    ELSIF form >> 4 = 2 THEN
        PERFORM millrace._sum_malformed('this is a sketch of percentiles(); use percentile()');
    ELSIF form >> 4 = 4 THEN
        PERFORM millrace._sum_malformed('this is a sketch of top(); use top()');
    ELSIF form >> 4 <> 3 THEN
        PERFORM millrace._sum_malformed(format('unknown version, found %s, expected 3', form >> 4));
    ELSIF form & 15 > 2 THEN
        PERFORM millrace._sum_malformed(format('unknown layout, found %s, expected 0 to 2', form & 15));
    ELSIF form & 15 = 0 THEN
        IF size > 1 THEN
            PERFORM millrace._sum_malformed('bytes after zero');
        END IF;
        RETURN 0;
    END IF;
    exponent := 0;
    LOOP
        IF at >= size THEN
            PERFORM millrace._sum_malformed(format('ends too early, found %s bytes', size));
        ELSIF at > 2 THEN
            PERFORM millrace._sum_malformed('exponent out of range');
        END IF;
        byte := get_byte(state, at);
        exponent := exponent | ((byte & 127) << (7 * (at - 1)));
        at := at + 1;
        EXIT WHEN byte < 128;
    END LOOP;
    IF byte = 0 AND at > 2 THEN
        PERFORM millrace._sum_malformed('exponent with a superfluous byte');
    END IF;
    exponent := (exponent >> 1) # -(exponent & 1);
    IF exponent NOT BETWEEN -1074 AND 1086 THEN
        PERFORM millrace._sum_malformed(format('exponent out of range, found %s', exponent));
    ELSIF at >= size THEN
        PERFORM millrace._sum_malformed(format('ends too early, found %s bytes', size));
    ELSIF get_byte(state, at) = 0 OR get_byte(state, size - 1) & 1 = 0 THEN
        PERFORM millrace._sum_malformed('magnitude with leading or trailing zeros');
    END IF;
    bits := 8 * (size - at - 1) + length(ltrim(get_byte(state, at)::bit(8)::text, '0'));
    IF exponent + bits > 1087 THEN
        PERFORM millrace._sum_malformed('magnitude out of range');
    END IF;
    WHILE at < size LOOP
        -- Six bytes at a time.
        byte := least(6, size - at);
        magnitude := magnitude * (1::bigint << (8 * byte))
            + ('x' || lpad(encode(substring(state FROM at + 1 FOR byte), 'hex'), 16, '0'))::bit(64)::bigint;
        at := at + byte;
    END LOOP;
    IF exponent >= 0 THEN
        magnitude := magnitude * millrace._whole_power(2, exponent);
    ELSE
        -- m / 2^k = m 5^k / 10^k
        magnitude := magnitude * millrace._whole_power(5, -exponent) * ('1e' || exponent)::numeric;
    END IF;
    RETURN CASE WHEN form & 15 = 2 THEN -magnitude ELSE magnitude END;
END $$;

-- The stored form of a sum of doubles.
CREATE OR REPLACE FUNCTION millrace._sum_encode(value numeric) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    exponent int := -min_scale(value);
    magnitude numeric := abs(value);
    hex text := '';
    zeros int := 0;
    part bigint;
BEGIN
    IF value IS NULL THEN
        RETURN NULL;
    ELSIF value = 0 THEN
        RETURN E'\\x30';
    ELSIF exponent < -1074 THEN
        RAISE EXCEPTION 'sum of doubles: this number is no sum of doubles'
            USING ERRCODE = 'numeric_value_out_of_range';
    END IF;
    -- A number of k decimal places that is a sum of doubles is an odd number of 2^-k.
    magnitude := trim_scale(magnitude * millrace._whole_power(2, -exponent));
    IF scale(magnitude) > 0 OR magnitude >= millrace._whole_power(2, 1087 - exponent) THEN
        RAISE EXCEPTION 'sum of doubles: this number is no sum of doubles'
            USING ERRCODE = 'numeric_value_out_of_range';
    END IF;
    WHILE mod(magnitude, 4294967296) = 0 LOOP
        magnitude := div(magnitude, 4294967296);
        exponent := exponent + 32;
    END LOOP;
    part := mod(magnitude, 4294967296)::bigint;
    WHILE (part >> zeros) & 1 = 0 LOOP
        zeros := zeros + 1;
    END LOOP;
    magnitude := div(magnitude, 1::bigint << zeros);
    exponent := exponent + zeros;
    WHILE magnitude > 0 LOOP
        hex := lpad(to_hex(mod(magnitude, 4294967296)::bigint), 8, '0') || hex;
        magnitude := div(magnitude, 4294967296);
    END LOOP;
    hex := ltrim(hex, '0');
    RETURN CASE WHEN value < 0 THEN E'\\x32'::bytea ELSE E'\\x31'::bytea END
        || millrace._varint(millrace._zigzag(exponent))
        || decode(CASE WHEN length(hex) % 2 = 1 THEN '0' ELSE '' END || hex, 'hex');
END $$;

-- The sum of exact sums; null without any.
CREATE OR REPLACE FUNCTION millrace._sum_merge(states bytea[]) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN millrace._sum_encode((SELECT sum(millrace._sum_decode(state)) FROM unnest(states) AS state));
END $$;

-- MARK: For users

CREATE OR REPLACE FUNCTION millrace.sum_exact(state bytea) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
$$ SELECT millrace._sum_decode(state) $$;
COMMENT ON FUNCTION millrace.sum_exact(bytea) IS
'The exact sum of doubles, every digit of it; sums of these are exact too. ::float8 rounds it once.';

CREATE OR REPLACE FUNCTION millrace.sum_union(a bytea, b bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
$$ SELECT millrace._sum_encode(millrace._sum_decode(a) + millrace._sum_decode(b)) $$;
COMMENT ON FUNCTION millrace.sum_union(bytea, bytea) IS
'The exact sum of the doubles of both, in the bytes the engine would have written.';

CREATE OR REPLACE AGGREGATE millrace.sum_merge(bytea) (
    SFUNC = pg_catalog.array_append,
    STYPE = bytea[],
    INITCOND = '{}',
    FINALFUNC = millrace._sum_merge,
    COMBINEFUNC = pg_catalog.array_cat,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE millrace.sum_merge(bytea) IS
'The exact sum of all doubles of a group of rows; nulls are skipped, null without sums.';
