-- Unions of percentile sketches in SQL, with the bytes that the engine would have written.
--
-- An aggregate gathers the sketches of a group as an array, with a built-in function, and one call unites them all:
-- calls cost more than bytes. Loops are PL/pgSQL statements of some 60 ns each.

CREATE SCHEMA IF NOT EXISTS millrace;

-- Of the buckets between two indices at scale 6 the doubles right behind their upper ends: where width_bucket counts.
CREATE OR REPLACE FUNCTION millrace._bucket_limits(first int, last int) RETURNS double precision[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN array(
        SELECT ((millrace._boundaries())[(i & 63) + 1] + 1)::double precision
            * power(2::double precision, (i >> 6) - 52)
        FROM generate_series(first, last - 1) AS i ORDER BY i);
END $$;

-- Values as keys on a grid, and counts. All but 0 have magnitudes in buckets first to last at scale 6.
CREATE OR REPLACE FUNCTION millrace._values_to_buckets(
    code int, vals bigint[], first int, last int, halvings int, OUT keys int[], OUT counts bigint[])
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    divisor CONSTANT double precision := ('1e' || (code & 31))::double precision;
BEGIN
    -- Not for subnormal values, nor for few in a wide range.
    IF first > -60000 AND last - first < 10 * cardinality(vals) THEN
        -- The limits are a subquery and no variable, which would be copied for each value.
        SELECT array_agg(k), array_agg(c) INTO keys, counts
        FROM (
            SELECT CASE WHEN v = 0 THEN 0
                -- The quotient of two doubles that are exact is the double nearest to it.
                WHEN code < 64 AND v BETWEEN -9007199254740992 AND 9007199254740992 THEN
                    sign(v)::int * (131072 + first + width_bucket(
                        abs(v::double precision / divisor), (SELECT millrace._bucket_limits(first, last))))
                ELSE sign(v)::int * (131072 + first + width_bucket(
                        abs(millrace._raw_to_double(code, v)), (SELECT millrace._bucket_limits(first, last))))
                END AS k, count(*) AS c
            FROM unnest(vals) AS v GROUP BY 1
        ) AS grouped;
    ELSE
        SELECT array_agg(k), array_agg(c) INTO keys, counts
        FROM (
            SELECT millrace._raw_to_key(code, v) AS k, sum(n)::bigint AS c
            FROM (SELECT v, count(*) AS n FROM unnest(vals) AS v GROUP BY v) AS distinct_values GROUP BY 1
        ) AS grouped;
    END IF;
    IF halvings > 0 THEN
        keys := array(SELECT millrace._coarsened(k, halvings) FROM unnest(keys) WITH ORDINALITY AS u(k, i) ORDER BY i);
    END IF;
END $$;

-- The stored form of ascending buckets of one sign.
CREATE OR REPLACE FUNCTION millrace._percentiles_run(keys int[], counts bigint[]) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN (
        SELECT coalesce(
            millrace._varint(millrace._zigzag(abs(keys[1]) - 131072)) || decode(string_agg(
                CASE WHEN token < 128 THEN lpad(to_hex(token), 2, '0')
                     WHEN token < 16384 THEN to_hex(((token & 127 | 128) << 8) | (token >> 7))
                     ELSE encode(millrace._varint(2 * (count - 1)::numeric + (gap > 0)::int), 'hex') END
                || CASE WHEN gap = 0 THEN ''
                        WHEN gap <= 128 THEN lpad(to_hex(gap - 1), 2, '0')
                        ELSE encode(millrace._varint(gap - 1), 'hex') END,
                '' ORDER BY key), 'hex'), '')
        FROM (
            SELECT key, count, gap,
                (CASE WHEN count < 8193 THEN 2 * (count - 1) + (gap > 0)::int ELSE 16384 END)::int AS token
            FROM (
                SELECT b.key, b.count, coalesce(b.key - lag(b.key) OVER (ORDER BY b.key) - 1, 0) AS gap
                FROM unnest(keys, counts) AS b(key, count)
            ) AS gaps
        ) AS tokens);
END $$;

-- Few values as a sketch.
CREATE OR REPLACE FUNCTION millrace._exact_written(code int, vals bigint[]) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN (
        SELECT E'\\x22'::bytea || millrace._byte(code) || string_agg(
            CASE WHEN code = 73 THEN millrace._double_bytes(v)
                 WHEN v - before < 128 THEN millrace._byte((v - before)::int)
                 ELSE millrace._varint(coalesce(v - before, millrace._zigzag(v))) END, ''::bytea ORDER BY i)
        FROM (SELECT v, row_number() OVER w AS i, lag(v::numeric) OVER w AS before
              FROM unnest(vals) AS v WINDOW w AS (ORDER BY v)) AS sorted);
END $$;

-- A sketch of buckets in any order, several of one key among them, brought to the finest grid that holds them.
CREATE OR REPLACE FUNCTION millrace._buckets_written(
    code int, halvings int, n numeric, low bigint, high bigint, total numeric, keys int[], counts bigint[])
RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    negatives int;
    zeros int;
BEGIN
    LOOP
        SELECT array_agg(k ORDER BY k), array_agg(c ORDER BY k), count(*) FILTER (WHERE k < 0),
               count(*) FILTER (WHERE k = 0)
        INTO keys, counts, negatives, zeros
        FROM (SELECT u.k, sum(u.c)::bigint AS c FROM unnest(keys, counts) AS u(k, c) GROUP BY u.k) AS grouped;
        EXIT WHEN cardinality(keys) - zeros <= 2048;
        halvings := halvings + 1;
        keys := array(SELECT millrace._coarsened(k, 1) FROM unnest(keys) WITH ORDINALITY AS u(k, i) ORDER BY i);
    END LOOP;
    RETURN E'\\x23'::bytea || millrace._byte(code) || millrace._byte(halvings) || millrace._varint(n)
        || CASE WHEN code = 73 THEN millrace._double_bytes(low) || millrace._double_bytes(high)
                ELSE millrace._varint(millrace._zigzag(low)) || millrace._varint(high::numeric - low) END
        || millrace._varint(millrace._zigzag(total))
        || millrace._varint(CASE WHEN zeros = 1 THEN counts[negatives + 1] ELSE 0 END)
        || millrace._varint(negatives)
        || millrace._percentiles_run(keys[:negatives], counts[:negatives])
        || millrace._percentiles_run(keys[negatives + zeros + 1:], counts[negatives + zeros + 1:]);
END $$;

-- The union of sketches of one kind; null without sketches.
CREATE OR REPLACE FUNCTION millrace._percentiles_merge(sketches bytea[]) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- A list of buckets is brought together when it is longer.
    buffered CONSTANT int := 8192;
    sketch bytea;
    part record;
    size int;
    code int;
    part_code int;
    n numeric := 0;
    low bigint;
    high bigint;
    total numeric := 0;
    halvings int := 0;
    vals bigint[] := '{}';
    held int;
    value bigint;
    step bigint;
    shift int;
    byte int;
    at int;
    is_read boolean;
    head record;
    exact_max int;
    -- Counts of the buckets from key base on, at scale 6.
    sums bigint[] := '{}';
    base int;
    first_key int;
    last_key int;
    slot int;
    n_read bigint;
    -- Buckets on a grid so many halvings coarser, in any order.
    keys int[] := '{}';
    counts bigint[] := '{}';
BEGIN
    FOR i IN 1 .. cardinality(sketches) LOOP
        sketch := sketches[i];
        CONTINUE WHEN sketch IS NULL;
        size := length(sketch);
        is_read := false;
        part_code := CASE WHEN size > 1 THEN get_byte(sketch, 1) END;
        IF size > 2 AND part_code = code AND code < 64 AND get_byte(sketch, 0) = 34 THEN
            -- As _exact_values: a call for each of these small sketches would cost as much as reading it.
            held := cardinality(vals);
            -- A byte behind the end, so that there is always a next one.
            sketch := sketch || E'\\x00'::bytea;
            value := NULL;
            at := 2;
            WHILE at < size LOOP
                byte := get_byte(sketch, at);
                IF byte < 128 THEN
                    value := coalesce(value + byte, (byte >> 1) # -(byte & 1));
                    at := at + 1;
                ELSIF get_byte(sketch, at + 1) BETWEEN 1 AND 127 THEN
                    step := (byte & 127) | (get_byte(sketch, at + 1) << 7);
                    value := coalesce(value + step, (step >> 1) # -(step & 1));
                    at := at + 2;
                ELSE
                    step := byte & 127;
                    shift := 0;
                    WHILE byte > 127 AND shift < 49 AND at < size LOOP
                        at := at + 1;
                        shift := shift + 7;
                        byte := get_byte(sketch, at);
                        step := step | ((byte & 127)::bigint << shift);
                    END LOOP;
                    IF byte > 127 OR byte = 0 THEN
                        -- A number that is cut short, or one for the careful decoder.
                        at := 0;
                        EXIT;
                    END IF;
                    value := coalesce(value + step, (step >> 1) # -(step & 1));
                    at := at + 1;
                END IF;
                vals := vals || value;
            END LOOP;
            is_read := at = size AND cardinality(vals) - held <= 32;
            IF NOT is_read THEN
                vals := vals[:held];
                sketch := sketches[i];
            END IF;
        ELSIF size > 8 AND part_code = code AND get_byte(sketch, 0) = 35 AND get_byte(sketch, 2) = 0 THEN
            -- Positive values at the finest scale, which are nearly all there are, go into a table of counts.
            head := millrace._buckets_header(sketch);
            at := head.next;
            IF head.n > exact_max AND head.n < 36028797018963968 AND head.negatives = 0 AND head.low <= head.high
                AND at + 1 < size AND size <= 2048 THEN
                byte := get_byte(sketch, at);
                step := CASE WHEN byte < 128 THEN byte ELSE (byte & 127) | (get_byte(sketch, at + 1) << 7) END;
                at := at + CASE WHEN byte < 128 THEN 1 ELSE 2 END;
                first_key := 131072 + ((step >> 1) # -(step & 1))::int;
                last_key := millrace._raw_to_key(code, head.high);
                is_read := byte < 128 OR get_byte(sketch, at - 1) BETWEEN 1 AND 127;
                is_read := is_read AND first_key BETWEEN 65664 AND last_key
                    AND millrace._raw_to_key(code, head.low) = CASE WHEN head.zeros = 0 THEN first_key ELSE 0 END;
                base := coalesce(base, first_key);
                IF is_read AND (first_key < base OR last_key >= base + cardinality(sums)) THEN
                    slot := least(first_key, base) - 512;
                    held := greatest(last_key, base + cardinality(sums) - 1) + 513 - slot;
                    IF held < 16384 THEN
                        sums := array_fill(0::bigint, ARRAY[base - slot]) || sums;
                        sums := sums || array_fill(0::bigint, ARRAY[held - cardinality(sums)]);
                        base := slot;
                    END IF;
                    is_read := held < 16384;
                END IF;
            END IF;
            IF is_read THEN
                slot := first_key - base + 1;
                n_read := head.zeros;
                WHILE at < size LOOP
                    byte := get_byte(sketch, at);
                    at := at + 1;
                    IF byte & 129 = 0 THEN
                        step := byte;
                    ELSE
                        step := byte & 127;
                        shift := 7;
                        WHILE byte > 127 AND at < size AND shift <= 49 LOOP
                            byte := get_byte(sketch, at);
                            at := at + 1;
                            step := step | ((byte & 127)::bigint << shift);
                            shift := shift + 7;
                            is_read := is_read AND byte > 0;
                        END LOOP;
                        IF step & 1 = 1 AND byte < 128 THEN
                            -- A gap comes before this bucket.
                            is_read := is_read AND n_read > head.zeros;
                            byte := CASE WHEN at < size THEN get_byte(sketch, at) ELSE 255 END;
                            at := at + 1;
                            slot := slot + 1 + (byte & 127);
                            IF byte > 127 AND at < size THEN
                                byte := get_byte(sketch, at);
                                at := at + 1;
                                is_read := is_read AND byte > 0;
                                slot := slot + (byte << 7);
                            END IF;
                        END IF;
                        is_read := is_read AND byte < 128 AND slot <= cardinality(sums);
                        EXIT WHEN NOT is_read;
                    END IF;
                    sums[slot] := sums[slot] + (step >> 1) + 1;
                    n_read := n_read + (step >> 1) + 1;
                    slot := slot + 1;
                END LOOP;
                IF NOT is_read OR n_read <> head.n OR slot + base - 2 <> last_key THEN
                    PERFORM millrace._percentiles_decode(sketch);
                    PERFORM millrace._percentiles_malformed('buckets do not go with what stands before them');
                END IF;
                n := n + head.n;
                low := least(low, head.low);
                high := greatest(high, head.high);
                total := total + head.total;
                IF head.zeros > 0 THEN
                    keys := keys || 0;
                    counts := counts || head.zeros;
                END IF;
            END IF;
        END IF;
        IF NOT is_read THEN
            part := millrace._percentiles_read(sketch);
            IF part.code <> code THEN
                RAISE EXCEPTION 'percentile sketches: kinds have no common union, found % and %', part.code, code
                    USING ERRCODE = 'datatype_mismatch';
            END IF;
            code := part.code;
            exact_max := CASE WHEN code = 73 THEN 2 ELSE 32 END;
            IF part.is_exact THEN
                vals := vals || part.vals;
            ELSE
                n := n + part.n;
                low := least(low, part.low);
                high := greatest(high, part.high);
                total := total + part.total;
                IF part.halvings <> halvings THEN
                    -- Keys of both are brought to the coarser grid; grouping joins equal ones.
                    part.keys := array(SELECT millrace._coarsened(k, greatest(halvings - part.halvings, 0))
                                       FROM unnest(part.keys) WITH ORDINALITY AS u(k, place) ORDER BY place);
                    keys := array(SELECT millrace._coarsened(k, greatest(part.halvings - halvings, 0))
                                  FROM unnest(keys) WITH ORDINALITY AS u(k, place) ORDER BY place);
                    halvings := greatest(halvings, part.halvings);
                END IF;
                keys := keys || part.keys;
                counts := counts || part.counts;
                IF cardinality(keys) > buffered THEN
                    SELECT array_agg(k), array_agg(c) INTO keys, counts
                    FROM (SELECT u.k, sum(u.c)::bigint AS c
                          FROM unnest(keys, counts) AS u(k, c) GROUP BY u.k) AS grouped;
                END IF;
            END IF;
        END IF;
    END LOOP;
    IF code IS NULL THEN
        RETURN NULL;
    END IF;
    n := n + cardinality(vals);
    IF n = 0 THEN
        RETURN E'\\x21'::bytea || millrace._byte(code);
    ELSIF n > 9223372036854775807 THEN
        RAISE EXCEPTION 'percentile sketches: the union has too many values, expected at most 2^63 - 1'
            USING ERRCODE = 'numeric_value_out_of_range';
    ELSIF n <= exact_max THEN
        RETURN millrace._exact_written(code, vals);
    ELSIF vals <> '{}' THEN
        SELECT min(v) AS low, max(v) AS high, sum(v) AS total, min(v) FILTER (WHERE v > 0) AS positive,
               max(v) FILTER (WHERE v < 0) AS negative
        INTO part FROM unnest(vals) AS v;
        low := least(low, part.low);
        high := greatest(high, part.high);
        total := total + CASE code WHEN 73
            THEN (SELECT sum(millrace._raw_to_units(code, v)) FROM unnest(vals) AS v) ELSE part.total END;
        part := millrace._values_to_buckets(
            code, vals,
            coalesce(least(
                millrace._raw_to_key(code, part.positive), -millrace._raw_to_key(code, part.negative)), 0) - 131072,
            greatest(abs(millrace._raw_to_key(code, part.low)), abs(millrace._raw_to_key(code, part.high))) - 131072,
            halvings);
        keys := keys || part.keys;
        counts := counts || part.counts;
    END IF;
    IF sums <> '{}' THEN
        SELECT keys || array_agg(CASE halvings WHEN 0 THEN key ELSE millrace._coarsened(key, halvings) END),
               counts || array_agg(c)
        INTO keys, counts
        FROM (SELECT base + i::int - 1 AS key, c FROM unnest(sums) WITH ORDINALITY AS u(c, i) WHERE c > 0) AS filled;
    END IF;
    RETURN millrace._buckets_written(code, halvings, n, low, high, total, keys, counts);
END $$;
