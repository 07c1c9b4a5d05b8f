-- Percentile sketches in SQL, for users: values, bounds, unions (docs/formats/quantiles.md).

CREATE SCHEMA IF NOT EXISTS millrace;

-- What somebody means who asks for percentile(s, 95).
CREATE OR REPLACE FUNCTION millrace._percent_hint(q double precision) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN q > 1 AND q <= 100 THEN
        format('; the %s%s percentile is %s', q,
            CASE WHEN q::numeric % 1 <> 0 OR q::numeric % 100 BETWEEN 11 AND 13 THEN 'th'
                 WHEN q::numeric % 10 = 1 THEN 'st' WHEN q::numeric % 10 = 2 THEN 'nd'
                 WHEN q::numeric % 10 = 3 THEN 'rd' ELSE 'th' END,
            trim_scale(q::numeric / 100))
        ELSE '' END
$$;

-- The rank of a quantile among n values, counted from 0.
CREATE OR REPLACE FUNCTION millrace._rank(q double precision, n bigint) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    rank CONSTANT double precision := floor(q * (n - 1)::double precision);
BEGIN
    IF NOT q BETWEEN 0 AND 1 THEN
        RAISE EXCEPTION 'percentile: quantile out of range, found %, expected 0 to 1%', q, millrace._percent_hint(q)
            USING ERRCODE = 'numeric_value_out_of_range';
    END IF;
    RETURN CASE WHEN rank >= (n - 1)::double precision THEN n - 1 ELSE rank::bigint END;
END $$;

-- What is reported for a bucket (bound 0), its lower end (-1) or its upper one (1).
CREATE OR REPLACE FUNCTION millrace._key_value(key int, halvings int, bound int) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    IF key = 0 THEN
        RETURN bound * 2.2250738585072014e-308;
    ELSIF bound = 0 THEN
        RETURN sign(key) * millrace._bucket_value(
            abs(key) - 131072, halvings, millrace._midpoint_factor(halvings));
    END IF;
    -- The end away from zero is the bucket's own boundary, the other one its neighbour's. No end is -0.
    RETURN sign(key) * millrace._bucket_value(
        abs(key) - 131072 - CASE WHEN sign(key) = bound THEN 0 ELSE 1 END, halvings, 1) + 0;
END $$;

-- The keys of the buckets of some quantiles in a BUCKETS sketch of scale 6 without negative values, and what is needed
-- to read them; null if it is another sketch, or has something for the careful decoder. One pass, without a list of buckets.
CREATE OR REPLACE FUNCTION millrace._keys_at(
    sketch bytea, quantiles double precision[],
    OUT keys int[], OUT code int, OUT halvings int, OUT low bigint, OUT high bigint)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    size CONSTANT int := length(sketch);
    last CONSTANT int := size - 1;
    -- Behind all ranks.
    never CONSTANT bigint := 9223372036854775807;
    head record;
    found int[];
    places int[];
    place int := 1;
    rank bigint;
    held bigint;
    byte int;
    token bigint := 0;
    shift int := 0;
    -- A bucket's key less the place of its last byte.
    delta int;
    first_key int;
    -- Values of a bucket whose gap is still to come.
    pending bigint := 0;
    is_open boolean := true;
    -- Whether the next byte has been read together with the one before.
    is_read boolean := false;
BEGIN
    code := get_byte(sketch, 1);
    halvings := get_byte(sketch, 2);
    -- So few bytes are no more buckets than the scale may have.
    IF halvings > 0 OR size > 2048 OR NOT (code = 0 OR code BETWEEN 32 AND 50 OR code = 73) THEN
        RETURN;
    END IF;
    head := millrace._buckets_header(sketch);
    IF head.n IS NULL OR head.negatives > 0 OR head.low > head.high
        OR head.n <= (CASE WHEN code = 73 THEN 2 ELSE 32 END) THEN
        RETURN;
    END IF;
    found := array_fill(NULL::int, ARRAY[cardinality(quantiles)]);
    IF cardinality(quantiles) = 1 THEN
        places := '{1}';
    ELSE
        places := array(SELECT i FROM unnest(quantiles) WITH ORDINALITY AS u(q, i) WHERE q IS NOT NULL ORDER BY q);
    END IF;
    rank := coalesce(millrace._rank(quantiles[places[1]], head.n), never);
    held := head.zeros;
    WHILE rank < held LOOP
        found[places[place]] := 0;
        place := place + 1;
        rank := coalesce(millrace._rank(quantiles[places[place]], head.n), never);
    END LOOP;
    FOR at IN head.next .. last LOOP
        IF NOT is_open AND get_byte(sketch, at) & 129 = 0 AND held + (get_byte(sketch, at) >> 1) < rank THEN
            -- The rule: one byte, no gap, no rank that is asked for.
            held := held + (get_byte(sketch, at) >> 1) + 1;
            CONTINUE;
        ELSIF is_read THEN
            is_read := false;
            is_open := false;
            CONTINUE;
        ELSIF NOT is_open AND get_byte(sketch, at) & 129 = 1 AND get_byte(sketch, least(at + 1, last)) < 128
            AND at < last AND held + (get_byte(sketch, at) >> 1) < rank AND held > head.zeros THEN
            -- A count and the gap before its bucket in a byte each: the key is further on by the gap and the bucket, and
            -- two bytes have been read.
            held := held + (get_byte(sketch, at) >> 1) + 1;
            delta := delta + get_byte(sketch, at + 1);
            is_read := true;
            is_open := true;
            CONTINUE;
        END IF;
        byte := get_byte(sketch, at);
        IF NOT is_open AND byte & 129 = 1 THEN
            -- A count in one byte; the gap before the bucket comes next.
            pending := (byte >> 1) + 1;
            is_open := true;
            delta := delta - 1;
            CONTINUE;
        ELSIF byte > 127 THEN
            token := token | ((byte & 127)::bigint << shift);
            shift := shift + 7;
            is_open := true;
            delta := delta - 1;
            EXIT WHEN shift > 49;
            CONTINUE;
        ELSIF shift > 0 THEN
            IF byte = 0 THEN
                RETURN;
            END IF;
            token := token | (byte::bigint << shift);
            shift := 0;
        ELSE
            token := byte;
        END IF;
        IF pending > 0 THEN
            IF token > 262143 OR held = head.zeros THEN
                RETURN;
            END IF;
            delta := delta + token::int + 1;
            held := held + pending;
            pending := 0;
        ELSIF first_key IS NULL THEN
            IF token > 131072 THEN
                RETURN;
            END IF;
            first_key := 131072 + ((token >> 1) # -(token & 1))::int;
            delta := first_key - at - 1;
        ELSIF token & 1 = 1 THEN
            pending := (token >> 1) + 1;
            delta := delta - 1;
            token := 0;
            CONTINUE;
        ELSE
            held := held + (token >> 1) + 1;
        END IF;
        token := 0;
        is_open := false;
        WHILE rank < held LOOP
            found[places[place]] := at + delta;
            place := place + 1;
            rank := coalesce(millrace._rank(quantiles[places[place]], head.n), never);
        END LOOP;
    END LOOP;
    IF held = head.n AND NOT is_open AND first_key >= 65664
        AND millrace._raw_to_key(code, head.low) = (CASE WHEN head.zeros = 0 THEN first_key ELSE 0 END)
        AND millrace._raw_to_key(code, head.high) = size - 1 + delta THEN
        low := head.low;
        high := head.high;
        keys := found;
    END IF;
END $$;

-- The percentiles (bound 0) or the lower (-1) or upper (1) ends of the intervals that hold the true order statistics.
CREATE OR REPLACE FUNCTION millrace._percentiles_at(sketch bytea, quantiles double precision[], bound int)
RETURNS double precision[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    -- Not compressed and not stored elsewhere, which would be undone at each byte.
    bytes CONSTANT bytea := substring(sketch FROM 1);
    s record;
    keys int[];
    ranks bigint[] := '{}';
    results double precision[] := '{}';
    vals bigint[];
    low double precision;
    high double precision;
BEGIN
    IF length(bytes) > 8 AND get_byte(bytes, 0) = 35 THEN
        s := millrace._keys_at(bytes, quantiles);
        keys := s.keys;
    ELSIF length(bytes) > 2 AND get_byte(bytes, 0) = 34
        AND (get_byte(bytes, 1) = 0 OR get_byte(bytes, 1) BETWEEN 32 AND 50) THEN
        vals := millrace._exact_values(bytes);
        FOR i IN 1 .. cardinality(quantiles) LOOP
            results := results || millrace._raw_to_double(
                get_byte(bytes, 1), vals[millrace._rank(quantiles[i], cardinality(vals)) + 1]);
        END LOOP;
        IF vals IS NOT NULL THEN
            RETURN results;
        END IF;
        results := '{}';
    END IF;
    IF keys IS NULL THEN
        s := millrace._percentiles_read(bytes);
        FOR i IN 1 .. cardinality(quantiles) LOOP
            ranks := ranks || millrace._rank(quantiles[i], greatest(s.n, 1));
        END LOOP;
        IF s.n = 0 THEN
            RETURN array_fill(NULL::double precision, ARRAY[cardinality(quantiles)]);
        ELSIF s.is_exact THEN
            FOR i IN 1 .. cardinality(quantiles) LOOP
                results := results || millrace._raw_to_double(s.code, s.vals[ranks[i] + 1]);
            END LOOP;
            RETURN results;
        END IF;
        keys := array(
            SELECT (SELECT b.key FROM (SELECT u.key, sum(u.count) OVER (ORDER BY u.key) AS upto
                                       FROM unnest(s.keys, s.counts) AS u(key, count)) AS b
                    WHERE b.upto > r.rank ORDER BY b.key LIMIT 1)
            FROM unnest(ranks) WITH ORDINALITY AS r(rank, i) ORDER BY i);
    END IF;
    low := millrace._raw_to_double(s.code, s.low);
    high := millrace._raw_to_double(s.code, s.high);
    FOR i IN 1 .. cardinality(quantiles) LOOP
        results := results || CASE WHEN quantiles[i] IS NOT NULL THEN
            least(greatest(millrace._key_value(keys[i], s.halvings, bound), low), high) END;
    END LOOP;
    RETURN results;
END $$;

-- MARK: For users

CREATE OR REPLACE FUNCTION millrace.percentile(sketch bytea, q double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (millrace._percentiles_at(sketch, ARRAY[q], 0))[1];
END $$;
COMMENT ON FUNCTION millrace.percentile(bytea, double precision) IS
'The value of rank floor(q (n - 1)), at most 0.5416 % off; exact up to 32 integers or decimals. Null without values.';

CREATE OR REPLACE FUNCTION millrace.percentile_low(sketch bytea, q double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (millrace._percentiles_at(sketch, ARRAY[q], -1))[1];
END $$;
COMMENT ON FUNCTION millrace.percentile_low(bytea, double precision) IS
'The true value of rank floor(q (n - 1)) is not below this.';

CREATE OR REPLACE FUNCTION millrace.percentile_high(sketch bytea, q double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (millrace._percentiles_at(sketch, ARRAY[q], 1))[1];
END $$;
COMMENT ON FUNCTION millrace.percentile_high(bytea, double precision) IS
'The true value of rank floor(q (n - 1)) is not above this.';

CREATE OR REPLACE FUNCTION millrace.percentiles(sketch bytea, quantiles double precision[]) RETURNS double precision[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- As a plain list: subscripts from 1 on, one dimension.
    RETURN millrace._percentiles_at(
        sketch, array(SELECT q FROM unnest(quantiles) WITH ORDINALITY AS u(q, i) ORDER BY i), 0);
END $$;
COMMENT ON FUNCTION millrace.percentiles(bytea, double precision[]) IS
'percentile() of each of the quantiles, in one pass over the sketch.';

CREATE OR REPLACE FUNCTION millrace.percentiles_union(a bytea, b bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN millrace._percentiles_merge(ARRAY[a, b]);
END $$;
COMMENT ON FUNCTION millrace.percentiles_union(bytea, bytea) IS
'The sketch of all values of both, in the bytes the engine would have written.';

CREATE OR REPLACE AGGREGATE millrace.percentiles_merge(bytea) (
    SFUNC = pg_catalog.array_append,
    STYPE = bytea[],
    INITCOND = '{}',
    FINALFUNC = millrace._percentiles_merge,
    COMBINEFUNC = pg_catalog.array_cat,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE millrace.percentiles_merge(bytea) IS
'The sketch of all values of all sketches of a group; nulls are skipped, null without sketches.';

CREATE OR REPLACE FUNCTION millrace.quantile_count(sketch bytea) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
$$ SELECT n FROM millrace._percentiles_read(sketch) $$;
COMMENT ON FUNCTION millrace.quantile_count(bytea) IS 'Number of values in a percentile sketch, exact.';

CREATE OR REPLACE FUNCTION millrace.quantile_min(sketch bytea) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
$$ SELECT millrace._raw_to_double(code, low) FROM millrace._percentiles_read(sketch) WHERE n > 0 $$;
COMMENT ON FUNCTION millrace.quantile_min(bytea) IS 'Smallest value, exact; null without values.';

CREATE OR REPLACE FUNCTION millrace.quantile_max(sketch bytea) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
$$ SELECT millrace._raw_to_double(code, high) FROM millrace._percentiles_read(sketch) WHERE n > 0 $$;
COMMENT ON FUNCTION millrace.quantile_max(bytea) IS 'Largest value, exact; null without values.';

-- Whether doubles between two raw values lie where multiples of 10^-9 say what they are.
CREATE OR REPLACE FUNCTION millrace._nine_places_suffice(code int, low bigint, high bigint) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT greatest(abs(millrace._raw_to_double(code, low)), abs(millrace._raw_to_double(code, high))) = 0
        OR greatest(abs(millrace._raw_to_double(code, low)), abs(millrace._raw_to_double(code, high))) >= 1e-6
        AND greatest(abs(millrace._raw_to_units(code, low)), abs(millrace._raw_to_units(code, high)))
            < 170141183460469231731687303715884105727
$$;

CREATE OR REPLACE FUNCTION millrace.quantile_sum(sketch bytea) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
$$ SELECT (total::text || 'e-' || (code & 31))::numeric FROM millrace._percentiles_read(sketch)
   WHERE code < 64 OR n = 0 OR millrace._nine_places_suffice(code, low, high) $$;
COMMENT ON FUNCTION millrace.quantile_sum(bytea) IS
'Sum of all values: exact for integers and decimals; doubles are rounded to nine places one by one. Null where that says
nothing: when the largest magnitude is 1.7e29 or more, or below 0.000001.';
