-- Distinct-count sketches in SQL: estimate, bound and merge what Millrace stores (docs/formats/uniques.md).
--
-- For PostgreSQL 13 and later; plain SQL and PL/pgSQL. The bytes are those of the extension postgresql-hll, which is
-- neither needed nor used. The estimate is the engine's to the last bit: not hll_cardinality, whose estimator is up to
-- 3 % off around 2.5 * 2^log2m values. Names with an underscore are internal.

CREATE SCHEMA IF NOT EXISTS millrace;

-- Always raises; one place for the SQLSTATE, 22P03 invalid_binary_representation.
CREATE OR REPLACE FUNCTION millrace._uniques_malformed(what text) RETURNS void
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RAISE EXCEPTION 'distinct-count sketch: %', what USING ERRCODE = 'invalid_binary_representation';
END $$;

-- The header and the size of the body, checked. form: 1 empty, 2 explicit, 3 sparse, 4 full.
CREATE OR REPLACE FUNCTION millrace._uniques_header(
    sketch bytea, OUT form int, OUT log2m int, OUT width int, OUT threshold int, OUT sparse boolean)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    body int := length(sketch) - 3;
    code int;
BEGIN
    -- An empty sketch of percentiles has two bytes, a sum of zero has one.
    IF body > -3 AND get_byte(sketch, 0) >> 4 = 2 THEN
        PERFORM millrace._uniques_malformed('this is a sketch of percentiles(); use percentile()');
    ELSIF body > -3 AND get_byte(sketch, 0) >> 4 = 3 THEN
        PERFORM millrace._uniques_malformed('this is the exact sum of doubles; use sum_exact()');
    ELSIF body > -3 AND get_byte(sketch, 0) >> 4 = 4 THEN
        PERFORM millrace._uniques_malformed('this is a sketch of top(); use top()');
    ELSIF body < 0 THEN
        PERFORM millrace._uniques_malformed(format('cut short, found %s bytes, expected at least 3', body + 3));
    END IF;
    form := get_byte(sketch, 0);
    log2m := get_byte(sketch, 1) & 31;
    width := (get_byte(sketch, 1) >> 5) + 1;
    code := get_byte(sketch, 2);
    sparse := code & 64 <> 0;
    IF form >> 4 <> 1 THEN
        PERFORM millrace._uniques_malformed(format('unknown schema version, found %s, expected 1', form >> 4));
    ELSIF form & 15 NOT BETWEEN 1 AND 4 THEN
        PERFORM millrace._uniques_malformed(format('unknown type, found %s, expected 1 to 4', form & 15));
    ELSIF log2m NOT BETWEEN 4 AND 17 OR width NOT BETWEEN 4 AND 6 THEN
        PERFORM millrace._uniques_malformed(format(
            'parameters not supported, found log2m %s and register width %s, expected 4 to 17 and 4 to 6',
            log2m, width));
    ELSIF code & 128 <> 0 OR code & 63 NOT BETWEEN 0 AND 14 AND code & 63 <> 63 THEN
        PERFORM millrace._uniques_malformed(format('cut-off byte not usable, found %s', code));
    END IF;
    form := form & 15;
    threshold := CASE code & 63
        WHEN 63 THEN ((1 << log2m) * width / 8) / 8
        WHEN 0 THEN 0
        ELSE 1 << ((code & 63) - 1) END;
    IF form = 1 AND body <> 0 OR form = 2 AND (body = 0 OR body % 8 <> 0 OR body / 8 > threshold)
        OR form = 4 AND body <> (1 << log2m) * width / 8
        OR form = 3 AND body * 8 / (log2m + width) * (log2m + width) >= (1 << log2m) * width THEN
        PERFORM millrace._uniques_malformed(format('body of %s bytes does not go with type %s', body, form));
    END IF;
END $$;

-- sigma of Ertl 2017: x + sum over k of x^(2^k) 2^(k-1), for 0 <= x < 1.
CREATE OR REPLACE FUNCTION millrace._uniques_sigma(share double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    x double precision := share;
    y double precision := 1;
    z double precision := share;
    previous double precision;
BEGIN
    LOOP
        x := x * x;
        previous := z;
        z := z + x * y;
        y := y + y;
        IF z = previous THEN
            RETURN z;
        END IF;
    END LOOP;
END $$;

-- tau of Ertl 2017: (1 - x - sum over k of (1 - x^(2^-k))^2 2^-k) / 3.
CREATE OR REPLACE FUNCTION millrace._uniques_tau(share double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    x double precision := share;
    y double precision := 1;
    z double precision := 1 - share;
    previous double precision;
BEGIN
    IF share = 0 OR share = 1 THEN
        RETURN 0;
    END IF;
    LOOP
        x := sqrt(x);
        previous := z;
        y := y * 0.5;
        z := z - (1 - x) * (1 - x) * y;
        IF z = previous THEN
            RETURN z / 3;
        END IF;
    END LOOP;
END $$;

-- How many registers of a FULL body hold each value from 1 on.
CREATE OR REPLACE FUNCTION millrace._full_histogram(body bytea, log2m int, width int) RETURNS int[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    bits CONSTANT bit varying := ('x' || encode(body, 'hex'))::bit varying;
    top CONSTANT bigint := (1 << width) - 1;
    size CONSTANT int := 8 * width;
    counts int[] := array_fill(0, ARRAY[top::int]);
    letters text;
    rest text;
    value int := 0;
BEGIN
    -- A letter per register, "0" for 0 and so on in the order of ASCII: searching text costs less than counting rows.
    SELECT convert_from(string_agg(int8send(3472328296227680304::bigint
        + (((v >> 7 * width & top) << 56) | ((v >> 6 * width & top) << 48) | ((v >> 5 * width & top) << 40)
        | ((v >> 4 * width & top) << 32) | ((v >> 3 * width & top) << 24) | ((v >> 2 * width & top) << 16)
        | ((v >> width & top) << 8) | (v & top))), ''::bytea), 'SQL_ASCII')
    INTO letters
    FROM (SELECT substring(bits FROM i FOR size)::bigint AS v
          FROM generate_series(1, length(bits), size) AS i) AS eight;
    LOOP
        rest := replace(letters, chr(48 + value), '');
        IF value > 0 THEN
            counts[value] := length(letters) - length(rest);
        END IF;
        EXIT WHEN rest = '';
        letters := rest;
        value := value + 1;
    END LOOP;
    RETURN counts;
END $$;

-- How many registers of a SPARSE body hold each value from 1 on.
CREATE OR REPLACE FUNCTION millrace._sparse_histogram(body bytea, log2m int, width int) RETURNS int[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    bits CONSTANT bit varying := ('x' || encode(body, 'hex'))::bit varying;
    word_size CONSTANT int := log2m + width;
    size CONSTANT int := length(bits) - length(bits) % (log2m + width);
    top CONSTANT int := (1 << width) - 1;
    counts int[] := array_fill(0, ARRAY[top]);
    word int;
    previous int := -1;
BEGIN
    IF length(bits) - size > 7 OR position(B'1' IN substring(bits FROM size + 1)) > 0 THEN
        PERFORM millrace._uniques_malformed('bits after the last register');
    END IF;
    FOR at IN 1 .. size BY word_size LOOP
        word := substring(bits FROM at FOR word_size)::int;
        IF word >> width <= previous OR word & top = 0 THEN
            PERFORM millrace._uniques_malformed('duplicate, descending or empty sparse registers');
        END IF;
        previous := word >> width;
        counts[word & top] := counts[word & top] + 1;
    END LOOP;
    RETURN counts;
END $$;

-- The hashes of an EXPLICIT body, in order.
CREATE OR REPLACE FUNCTION millrace._explicit_hashes(body bytea) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    bits CONSTANT bit varying := ('x' || encode(body, 'hex'))::bit varying;
    hashes bigint[] := '{}';
    hash bigint;
    previous bigint;
BEGIN
    FOR at IN 1 .. length(bits) BY 64 LOOP
        hash := substring(bits FROM at FOR 64)::bigint;
        IF hash <= previous THEN
            PERFORM millrace._uniques_malformed('duplicate or descending explicit elements');
        END IF;
        hashes := hashes || hash;
        previous := hash;
    END LOOP;
    RETURN hashes;
END $$;

-- The estimate times (1 + errors * standard error); explicit sketches are exact.
CREATE OR REPLACE FUNCTION millrace._uniques_estimate(sketch bytea, errors double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    header CONSTANT record := millrace._uniques_header(sketch);
    body CONSTANT bytea := substring(sketch FROM 4);
    held int[];
    filled int := 0;
    m double precision;
    z double precision;
    top int;
BEGIN
    IF header.form = 1 THEN
        RETURN 0;
    ELSIF header.form = 2 THEN
        RETURN cardinality(millrace._explicit_hashes(body));
    ELSIF header.form = 3 THEN
        held := millrace._sparse_histogram(body, header.log2m, header.width);
    ELSE
        held := millrace._full_histogram(body, header.log2m, header.width);
    END IF;
    top := cardinality(held);
    FOR value IN 1 .. top LOOP
        filled := filled + held[value];
    END LOOP;
    m := 1 << header.log2m;
    IF filled = 0 THEN
        -- A value was seen whose hash leaves no trace.
        RETURN 1 + errors * (1.04 / sqrt(m));
    ELSIF held[top] = m THEN
        -- Every register has the largest value, as crafted values can make it: finite all the same.
        held[top] := m - 1;
        held[top - 1] := 1;
    END IF;
    -- Ertl 2017, algorithm 6: the same operations in the same order as the engine.
    z := m * millrace._uniques_tau(1 - held[top]::double precision / m);
    FOR k IN REVERSE top - 1 .. 1 LOOP
        z := 0.5 * (z + held[k]);
    END LOOP;
    z := z + m * millrace._uniques_sigma((m - filled) / m);
    RETURN greatest(1, 0.7213475204444817 * m * m / z) * (1 + errors * (1.04 / sqrt(m)));
END $$;

