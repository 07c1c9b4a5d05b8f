-- The most frequent values of a sketch in SQL, with the engine's counts.

CREATE SCHEMA IF NOT EXISTS millrace;

-- How large counters are that hold no frequent value.
CREATE OR REPLACE FUNCTION millrace._top_noise(counters bigint[]) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT middle FROM (
        SELECT (array_agg(abs(c) ORDER BY abs(c)))[129] AS middle
        FROM unnest(counters) WITH ORDINALITY AS u(c, i) GROUP BY (i - 1) / 256) AS rows
    ORDER BY middle OFFSET 2 LIMIT 1
$$;

-- The counts of values, read from counters in rounds, and their error.
CREATE OR REPLACE FUNCTION millrace._top_estimates(
    items bytea[], counters bigint[], total bigint, OUT counts bigint[], OUT error bigint)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    number CONSTANT int := cardinality(items);
    cells int[] := '{}';
    rest bigint[] := counters;
    known bigint[] := array_fill(0::bigint, ARRAY[number]);
    found bigint[];
    at int[];
    noise bigint;
    low bigint;
    high bigint;
    a bigint;
    b bigint;
    c bigint;
    d bigint;
    e bigint;
    p int;
BEGIN
    FOR i IN 1 .. number LOOP
        at := millrace._top_cells(items[i]);
        FOR row IN 1 .. 5 LOOP
            cells[5 * i + row - 5] := at[row];
        END LOOP;
    END LOOP;
    FOR round IN 1 .. 3 LOOP
        noise := 4 * millrace._top_noise(rest);
        found := known;
        FOR i IN 1 .. number LOOP
            p := 5 * i;
            a := rest[abs(cells[p - 4])] * sign(cells[p - 4])::int;
            b := rest[abs(cells[p - 3])] * sign(cells[p - 3])::int;
            c := rest[abs(cells[p - 2])] * sign(cells[p - 2])::int;
            d := rest[abs(cells[p - 1])] * sign(cells[p - 1])::int;
            e := rest[abs(cells[p])] * sign(cells[p])::int;
            low := greatest(least(a, b), least(c, d));
            high := least(greatest(a, b), greatest(c, d));
            a := known[i] + greatest(least(low, high), least(greatest(low, high), e));
            found[i] := CASE WHEN round = 3 THEN least(greatest(a, 1), total) WHEN a > noise THEN a ELSE 0 END;
        END LOOP;
        IF round < 3 THEN
            FOR i IN 1 .. number LOOP
                IF found[i] <> known[i] THEN
                    FOR row IN 1 .. 5 LOOP
                        p := cells[5 * i + row - 5];
                        rest[abs(p)] := rest[abs(p)] + (known[i] - found[i]) * sign(p)::int;
                    END LOOP;
                END IF;
            END LOOP;
        END IF;
        known := found;
    END LOOP;
    counts := known;
    error := greatest(1, noise);
END $$;

-- The most frequent values: their bytes, and what decides between equally frequent ones.
CREATE OR REPLACE FUNCTION millrace._top_items(sketch bytea, n int)
RETURNS TABLE (place bigint, item bytea, kind int, count bigint, error bigint)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    parts record := millrace._top_decode(sketch);
    estimates record;
    counts bigint[] := parts.counts;
    error_found bigint := 0;
BEGIN
    IF cardinality(parts.counters) > 0 AND cardinality(parts.items) > 0 THEN
        estimates := millrace._top_estimates(parts.items, parts.counters, parts.total);
        counts := estimates.counts;
        error_found := estimates.error;
    END IF;
    RETURN QUERY
        SELECT row_number() OVER (
                ORDER BY u.c DESC, CASE WHEN parts.kind > 0 THEN millrace._top_number(u.i) END, u.i),
            u.i, parts.kind, u.c, error_found
        FROM unnest(parts.items, counts) AS u(i, c) ORDER BY 1 LIMIT greatest(n, 0);
END $$;

-- A value as text.
CREATE OR REPLACE FUNCTION millrace._top_text(item bytea, kind int) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN kind = 0 THEN convert_from(item, 'UTF8')
        WHEN kind = 1 THEN (item = E'\\x01')::text
        WHEN kind = 2 THEN millrace._top_number(item)::text
        ELSE round(millrace._top_number(item) * ('1e-' || (kind & 31))::numeric, kind & 31)::text END
$$;

-- MARK: For users

CREATE OR REPLACE FUNCTION millrace.top(sketch bytea, n int) RETURNS TABLE (value text, count bigint, error bigint)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT millrace._top_text(t.item, t.kind), t.count, t.error FROM millrace._top_items(sketch, n) AS t
    ORDER BY t.place
$$;
COMMENT ON FUNCTION millrace.top(bytea, int) IS
'The n most frequent values of a sketch of top(), the most frequent first. The true count is within count - error and count + error, for about 199 of 200 values; an error of 0 says that counts are exact.';

CREATE OR REPLACE FUNCTION millrace.top_json(sketch bytea, n int) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object(
            'value', CASE WHEN t.kind = 0 THEN to_jsonb(millrace._top_text(t.item, 0))
                ELSE millrace._top_text(t.item, t.kind)::jsonb END,
            'count', t.count, 'error', t.error) ORDER BY t.place), '[]')
    FROM millrace._top_items(sketch, n) AS t
$$;
COMMENT ON FUNCTION millrace.top_json(bytea, int) IS
'The n most frequent values of a sketch of top() as a list of value, count and error, as the column of the metric has it.';

CREATE OR REPLACE FUNCTION millrace.top_total(sketch bytea) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
$$ SELECT total FROM millrace._top_decode(sketch) $$;
COMMENT ON FUNCTION millrace.top_total(bytea) IS
'How many values a sketch of top() has counted, exactly: count / top_total is a value''s share.';
