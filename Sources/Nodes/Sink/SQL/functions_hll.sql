-- Distinct-count sketches in SQL: estimate, bound and merge what Millrace stores (docs/formats/uniques.md).
--
-- For PostgreSQL 13 and later. The bytes are those of the extension postgresql-hll, which does the merging where it
-- is installed in this database; else plain SQL and PL/pgSQL do, with the same bytes as result. Run this again after
-- creating or dropping the extension. The estimate is Millrace's own everywhere, to the last bit: not hll_cardinality,
-- whose estimator is up to 3 % off around 2.5 * 2^log2m values. Names with an underscore are internal.

CREATE SCHEMA IF NOT EXISTS millrace;

-- Always raises; one place for the SQLSTATE, 22P03 invalid_binary_representation.
CREATE OR REPLACE FUNCTION millrace._uniques_malformed(what text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RAISE EXCEPTION 'distinct-count sketch: %', what USING ERRCODE = 'invalid_binary_representation';
END $$;

-- The header and the size of the body, checked. form: 1 empty, 2 explicit, 3 sparse, 4 full.
CREATE OR REPLACE FUNCTION millrace._uniques_header(
    sketch bytea, OUT form int, OUT log2m int, OUT width int, OUT threshold int, OUT sparse boolean)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    body int := length(sketch) - 3;
    code int;
BEGIN
    -- An empty sketch of percentiles has two bytes, a sum of zero has one.
    IF body > -3 AND get_byte(sketch, 0) >> 4 = 2 THEN
        PERFORM millrace._uniques_malformed('this is a sketch of percentiles(); use percentile()');
    ELSIF body > -3 AND get_byte(sketch, 0) >> 4 = 3 THEN
        PERFORM millrace._uniques_malformed('this is the exact sum of doubles; use sum_exact()');
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
    IF form = 1 AND body <> 0 OR form = 2 AND (body = 0 OR body % 8 <> 0)
        OR form = 4 AND body <> (1 << log2m) * width / 8
        OR form = 3 AND body * 8 / (log2m + width) * (log2m + width) >= (1 << log2m) * width THEN
        PERFORM millrace._uniques_malformed(format('body of %s bytes does not go with type %s', body, form));
    END IF;
END $$;

-- The hashes of an EXPLICIT sketch.
CREATE OR REPLACE FUNCTION millrace._uniques_hashes(sketch bytea) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    hashes bigint[];
BEGIN
    SELECT array_agg(('x' || encode(substring(sketch FROM 4 + 8 * i FOR 8), 'hex'))::bit(64)::bigint ORDER BY i)
    INTO hashes FROM generate_series(0, (length(sketch) - 3) / 8 - 1) AS i;
    IF EXISTS (SELECT FROM generate_series(2, cardinality(hashes)) AS i WHERE hashes[i] <= hashes[i - 1]) THEN
        PERFORM millrace._uniques_malformed('duplicate or descending explicit elements');
    END IF;
    RETURN hashes;
END $$;

-- The filled registers of any sketch; an explicit one's hashes are put into registers.
CREATE OR REPLACE FUNCTION millrace._uniques_registers(sketch bytea)
RETURNS TABLE (register int, value int)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    header record;
    bits bit varying;
    word int;
    words int;
    held int[];
BEGIN
    SELECT * INTO header FROM millrace._uniques_header(sketch);
    IF header.form = 2 THEN
        RETURN QUERY
            SELECT r, max(v) FROM (
                SELECT (h & ((1 << header.log2m) - 1))::int AS r,
                       -- 1 + trailing zeros: where the first 1 stands from the right.
                       least(strpos(reverse(((h >> header.log2m)
                             & ((1::bigint << (64 - header.log2m)) - 1))::bit(64)::text), '1'),
                             (1 << header.width) - 1) AS v
                FROM unnest(millrace._uniques_hashes(sketch)) AS h
            ) AS placed WHERE v > 0 GROUP BY r;
        RETURN;
    ELSIF header.form = 1 OR length(sketch) = 3 THEN
        RETURN;
    END IF;
    bits := ('x' || encode(substring(sketch FROM 4), 'hex'))::bit varying;
    word := header.width + CASE WHEN header.form = 3 THEN header.log2m ELSE 0 END;
    words := length(bits) / word;
    IF header.form = 4 THEN
        RETURN QUERY
            SELECT i, w FROM (
                SELECT i, (substring(bits FROM i * word + 1 FOR word)::bit(32)::bigint >> (32 - word))::int AS w
                FROM generate_series(0, words - 1) AS i
            ) AS cut WHERE w > 0;
        RETURN;
    END IF;
    IF position(B'1' IN substring(bits FROM words * word + 1)) > 0 OR length(bits) - words * word > 7 THEN
        PERFORM millrace._uniques_malformed('bits after the last register');
    END IF;
    held := array(
        SELECT (substring(bits FROM i * word + 1 FOR word)::bit(32)::bigint >> (32 - word))::int
        FROM generate_series(0, words - 1) AS i ORDER BY i);
    -- Nothing writes such: putting them right in silence would hide that somebody has damaged them.
    IF EXISTS (SELECT FROM generate_series(1, words) AS i
               WHERE held[i] & ((1 << header.width) - 1) = 0
                   OR held[i] >> header.width <= held[i - 1] >> header.width) THEN
        PERFORM millrace._uniques_malformed('duplicate, descending or empty sparse registers');
    END IF;
    RETURN QUERY SELECT w >> header.width, w & ((1 << header.width) - 1) FROM unnest(held) AS w;
END $$;

-- The sketch itself, once it is known that the engine reads it too: the extension accepts SPARSE words in any order.
CREATE OR REPLACE FUNCTION millrace._uniques_checked(sketch bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    IF (SELECT form FROM millrace._uniques_header(sketch)) = 3 THEN
        PERFORM millrace._uniques_registers(sketch);
    END IF;
    RETURN sketch;
END $$;

-- sigma of Ertl 2017: x + sum over k of x^(2^k) 2^(k-1), for 0 <= x < 1.
CREATE OR REPLACE FUNCTION millrace._uniques_sigma(share double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
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
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
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

-- The estimate times (1 + errors * standard error); explicit sketches are exact.
-- STRICT also where callers ask for no nulls: PostgreSQL 18 evaluates what is constant before it filters.
CREATE OR REPLACE FUNCTION millrace._uniques_estimate(sketch bytea, errors double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    header record;
    held int[];
    filled int;
    m double precision;
    z double precision;
    top int;
BEGIN
    SELECT * INTO header FROM millrace._uniques_header(sketch);
    IF header.form = 1 THEN
        RETURN 0;
    ELSIF header.form = 2 THEN
        RETURN cardinality(millrace._uniques_hashes(sketch));
    END IF;
    top := (1 << header.width) - 1;
    held := array_fill(0, ARRAY[top]);
    filled := 0;
    FOR z, m IN SELECT value, count(*) FROM millrace._uniques_registers(sketch) GROUP BY value LOOP
        held[z::int] := m;
        filled := filled + m::int;
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

-- Bits written as text, as bytes with zero bits up to the last.
CREATE OR REPLACE FUNCTION millrace._bits_to_bytes(bits text) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT substring(varbit_send(bits::bit varying) FROM 5) $$;

-- The union of sketches of equal parameters, in plain SQL; null without sketches.
CREATE OR REPLACE FUNCTION millrace._uniques_merge_plain(sketches bytea[]) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    sketch bytea;
    header record;
    parameters bytea;
    form int := 1;
    hashes bigint[] := '{}';
    registers int[];
    vals int[];
    word int;
BEGIN
    FOREACH sketch IN ARRAY sketches LOOP
        SELECT * INTO header FROM millrace._uniques_header(sketch);
        parameters := coalesce(parameters, substring(sketch FROM 2 FOR 2));
        IF substring(sketch FROM 2 FOR 2) <> parameters THEN
            RAISE EXCEPTION 'distinct-count sketches: parameters have no common union, found % and %',
                encode(substring(sketch FROM 2 FOR 2), 'hex'), encode(parameters, 'hex')
                USING ERRCODE = 'datatype_mismatch';
        END IF;
        form := greatest(form, header.form);
        IF header.form = 2 THEN
            hashes := hashes || millrace._uniques_hashes(sketch);
        END IF;
    END LOOP;
    IF parameters IS NULL THEN
        RETURN NULL;
    ELSIF form = 1 THEN
        RETURN '\x11'::bytea || parameters;
    ELSIF form = 2 THEN
        hashes := array(SELECT DISTINCT h FROM unnest(hashes) AS h ORDER BY h);
        IF cardinality(hashes) <= header.threshold THEN
            RETURN '\x12'::bytea || parameters || (
                SELECT string_agg(decode(lpad(to_hex(h), 16, '0'), 'hex'), ''::bytea ORDER BY h)
                FROM unnest(hashes) AS h);
        END IF;
    END IF;
    SELECT array_agg(r ORDER BY r), array_agg(v ORDER BY r) INTO registers, vals FROM (
        SELECT u.register AS r, max(u.value) AS v
        FROM unnest(sketches) AS s, millrace._uniques_registers(s) AS u GROUP BY u.register
    ) AS united;
    word := header.log2m + header.width;
    IF header.sparse AND coalesce(cardinality(registers), 0) * word < (1 << header.log2m) * header.width THEN
        RETURN '\x13'::bytea || parameters || coalesce((
            SELECT millrace._bits_to_bytes(string_agg(
                right(((r << header.width) | v)::bit(32)::text, word), '' ORDER BY r))
            FROM unnest(registers, vals) AS u(r, v)), '');
    END IF;
    RETURN '\x14'::bytea || parameters || (
        SELECT millrace._bits_to_bytes(string_agg(
            right(coalesce(v, 0)::bit(32)::text, header.width), '' ORDER BY i))
        FROM generate_series(0, (1 << header.log2m) - 1) AS i LEFT JOIN unnest(registers, vals) AS u(r, v) ON r = i);
END $$;

-- Merging goes to the extension where it is; its functions are named with their schema, whatever the search path.
DO $install$
DECLARE
    home text := (SELECT n.nspname FROM pg_catalog.pg_extension e
                  JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'hll');
BEGIN
    IF home IS NULL THEN
        CREATE OR REPLACE FUNCTION millrace._uniques_merge(sketches bytea[]) RETURNS bytea
        LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT millrace._uniques_merge_plain(sketches) $$;
    ELSE
        EXECUTE pg_catalog.format($create$
            CREATE OR REPLACE FUNCTION millrace._uniques_merge(sketches bytea[]) RETURNS bytea
            LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
            $$ SELECT %1$I.hll_send(%1$I.hll_union_agg(millrace._uniques_checked(s)::%1$I.hll)) FROM unnest(sketches) AS s $$
            $create$, home);
    END IF;
END $install$;

-- Keeps at most 32 sketches waiting: merging many at once is cheaper, holding them all would not be.
CREATE OR REPLACE FUNCTION millrace._uniques_collect(waiting bytea[], sketch bytea) RETURNS bytea[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF cardinality(waiting) < 32 THEN
        RETURN waiting || sketch;
    END IF;
    RETURN ARRAY[millrace._uniques_merge(waiting || sketch)];
END $$;

-- MARK: For users

CREATE OR REPLACE FUNCTION millrace.uniques_estimate(sketch bytea) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
$$ SELECT millrace._uniques_estimate(sketch, 0) $$;
COMMENT ON FUNCTION millrace.uniques_estimate(bytea) IS
'Number of distinct values; exact up to the threshold (default 8), then with standard error 1.04 / sqrt(2^log2m).';

CREATE OR REPLACE FUNCTION millrace.uniques_estimate(sketch bytea, value_count numeric) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
$$ SELECT least(millrace._uniques_estimate(sketch, 0), value_count::double precision) WHERE sketch IS NOT NULL $$;
COMMENT ON FUNCTION millrace.uniques_estimate(bytea, numeric) IS
'The same, never above the number of values (column NAME_values, or the sum of it); a null number is no bound.';

CREATE OR REPLACE FUNCTION millrace.uniques_low(sketch bytea) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
$$ SELECT millrace._uniques_estimate(sketch, -2) $$;
COMMENT ON FUNCTION millrace.uniques_low(bytea) IS
'The estimate less two standard errors; the count itself while exact.';

CREATE OR REPLACE FUNCTION millrace.uniques_high(sketch bytea) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
$$ SELECT millrace._uniques_estimate(sketch, 2) $$;
COMMENT ON FUNCTION millrace.uniques_high(bytea) IS
'The estimate plus two standard errors; the count itself while exact.';

CREATE OR REPLACE FUNCTION millrace.uniques_union(a bytea, b bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT millrace._uniques_merge(ARRAY[a, b]) $$;
COMMENT ON FUNCTION millrace.uniques_union(bytea, bytea) IS
'The sketch of the values of either, in the bytes the engine would have written.';

CREATE OR REPLACE AGGREGATE millrace.uniques_merge(bytea) (
    SFUNC = millrace._uniques_collect,
    STYPE = bytea[],
    INITCOND = '{}',
    FINALFUNC = millrace._uniques_merge,
    COMBINEFUNC = pg_catalog.array_cat,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE millrace.uniques_merge(bytea) IS
'The sketch of the values of all sketches of a group; nulls are skipped, null without sketches.';
