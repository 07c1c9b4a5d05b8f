-- Unions of sketches of frequent values in SQL, with the bytes that the engine would have written.

CREATE SCHEMA IF NOT EXISTS millrace;

-- The union of sketches; null without any.
CREATE OR REPLACE FUNCTION millrace._top_merge(sketches bytea[]) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parts record;
    items bytea[];
    counts bigint[];
    levels int[];
    counters bigint[];
    is_estimated boolean;
    lowest int;
    encoded bytea;
BEGIN
    WITH decoded AS MATERIALIZED (
        SELECT d.* FROM unnest(sketches) AS s(sketch) CROSS JOIN LATERAL millrace._top_decode(s.sketch) AS d
        WHERE s.sketch IS NOT NULL
    ), united AS MATERIALIZED (
        SELECT i.item, sum(i.count) AS count, max(i.level) AS level
        FROM decoded AS d CROSS JOIN LATERAL unnest(d.items, d.counts, d.levels) AS i(item, count, level) GROUP BY i.item
    )
    SELECT count(*) AS number, min(kind) AS kind, max(kind) AS other, sum(total) AS total, max(floor) AS floor,
        (SELECT array_agg(item ORDER BY item) FROM united) AS items,
        (SELECT array_agg(count ORDER BY item) FROM united) AS counts,
        (SELECT array_agg(level ORDER BY item) FROM united) AS levels,
        (SELECT array_agg(counter ORDER BY i) FROM (
            SELECT c.i, sum(c.counter)::bigint AS counter
            FROM decoded AS d CROSS JOIN LATERAL unnest(d.counters) WITH ORDINALITY AS c(counter, i)
            GROUP BY c.i) AS sums) AS counters
    INTO parts FROM decoded;
    IF parts.number = 0 THEN
        RETURN NULL;
    ELSIF parts.kind <> parts.other THEN
        RAISE EXCEPTION 'frequent values: values of different kinds, found codes % and %', parts.kind, parts.other
            USING ERRCODE = 'data_exception';
    ELSIF parts.total > 1125899906842624 THEN
        PERFORM millrace._top_out_of_range(parts.total);
    END IF;
    items := coalesce(parts.items, '{}');
    counts := parts.counts;
    levels := parts.levels;
    counters := parts.counters;
    lowest := parts.floor;
    is_estimated := counters IS NOT NULL OR cardinality(items) > 1024;
    IF is_estimated THEN
        counters := coalesce(counters, array_fill(0::bigint, ARRAY[1280]));
        FOR i IN 1 .. cardinality(items) LOOP
            IF counts[i] > 0 THEN
                DECLARE
                    cells int[] := millrace._top_cells(items[i]);
                BEGIN
                    FOR row IN 1 .. 5 LOOP
                        counters[abs(cells[row])] := counters[abs(cells[row])] + counts[i] * sign(cells[row])::int;
                    END LOOP;
                END;
            END IF;
        END LOOP;
        -- The least level above which there are no more than there may be.
        SELECT greatest(lowest, coalesce(max(level) + 1, 0)) INTO lowest FROM (
            SELECT level, sum(count(*)) OVER (ORDER BY level DESC) AS kept FROM unnest(levels) AS level GROUP BY level
        ) AS above WHERE kept > 1024;
    END IF;
    SELECT coalesce(string_agg(
            millrace._top_varint(length(item)) || item
            || CASE WHEN is_estimated THEN '' ELSE millrace._top_varint(count) END
            || millrace._top_varint(level - lowest), ''::bytea ORDER BY item), '')
    INTO encoded FROM unnest(items, counts, levels) AS u(item, count, level) WHERE level >= lowest;
    IF NOT is_estimated THEN
        RETURN E'\\x41'::bytea || set_byte(E'\\x00'::bytea, 0, parts.kind)
            || millrace._top_varint(cardinality(items)) || encoded;
    END IF;
    RETURN E'\\x42'::bytea || set_byte(E'\\x00'::bytea, 0, parts.kind) || millrace._top_varint(parts.total::bigint)
        || millrace._top_varint(lowest)
        || millrace._top_varint((SELECT count(*) FROM unnest(levels) AS level WHERE level >= lowest)) || encoded
        || (SELECT string_agg(millrace._top_varint((c << 1) # (c >> 63)), ''::bytea ORDER BY i)
            FROM unnest(counters) WITH ORDINALITY AS u(c, i));
END $$;

-- MARK: For users

CREATE OR REPLACE FUNCTION millrace.top_union(a bytea, b bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
$$ SELECT millrace._top_merge(ARRAY[a, b]) $$;
COMMENT ON FUNCTION millrace.top_union(bytea, bytea) IS
'The frequent values of both sketches, in the bytes the engine would have written.';

CREATE OR REPLACE AGGREGATE millrace.top_merge(bytea) (
    SFUNC = pg_catalog.array_append,
    STYPE = bytea[],
    INITCOND = '{}',
    FINALFUNC = millrace._top_merge,
    COMBINEFUNC = pg_catalog.array_cat,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE millrace.top_merge(bytea) IS
'The frequent values of a group of rows; nulls are skipped, null without sketches. top(top_merge(pages_sketch), 20) shows them.';
