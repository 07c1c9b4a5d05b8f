-- How fresh the tables are, for users (docs/querying.md).

CREATE SCHEMA IF NOT EXISTS millrace;

-- Its body is text, so that nothing depends on the tables that it reads.
CREATE OR REPLACE FUNCTION millrace._freshness() RETURNS TABLE (
    table_schema text, table_name text, topology text, node text, complete_to timestamptz, held_back_by text,
    lag_records bigint, lag interval, last_commit timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    WITH feeds AS (
        SELECT t.table_schema, t.table_name, t.topology, t.sink, f.topic AS feed
        FROM millrace.tables t CROSS JOIN LATERAL unnest(string_to_array(t.feed, E'\n')) AS f(topic)
        WHERE t.topology <> '' AND t.left_read IS NULL
    ), parts AS (
        SELECT f.table_schema, f.table_name, f.topology, f.sink, p.topic || '[' || p.partition || ']' AS place,
            p.committed_at, CASE WHEN p.log_end IS NOT NULL THEN greatest(p.log_end - p.next_offset, 0) END AS waiting,
            -- A clock that is ahead completes nothing.
            CASE WHEN p.event_time IS NOT NULL THEN least(p.event_time, p.committed_at) END AS shown
        FROM feeds f JOIN millrace.partitions p ON p.topology = f.topology
            AND (p.topic = f.feed OR f.feed = '*' AND starts_with(p.topic, 'file:'))
        WHERE p.committed_at IS NOT NULL
    ), tables AS (
        SELECT p.table_schema, p.table_name, p.topology, p.sink, max(p.shown) AS furthest,
            -- A partition that was read to its end holds nothing back.
            (array_agg(p.place ORDER BY p.shown NULLS FIRST, p.place) FILTER (WHERE p.waiting IS DISTINCT FROM 0))[1] AS last,
            min(p.shown) FILTER (WHERE p.waiting IS DISTINCT FROM 0) AS least_shown,
            bool_or(p.shown IS NULL AND p.waiting IS DISTINCT FROM 0) AS is_unknown,
            sum(p.waiting)::bigint AS waiting, max(p.committed_at) AS committed_at
        FROM parts p GROUP BY p.table_schema, p.table_name, p.topology, p.sink
    ), complete AS (
        SELECT t.*, CASE WHEN NOT t.is_unknown THEN coalesce(t.least_shown, t.furthest) END AS up_to FROM tables t
    )
    SELECT c.table_schema, c.table_name, c.topology, c.sink, c.up_to, c.last, c.waiting, now() - c.up_to, c.committed_at
    FROM complete c
$$;

CREATE OR REPLACE VIEW millrace.freshness AS SELECT * FROM millrace._freshness();
COMMENT ON VIEW millrace.freshness IS
'How fresh each table is: complete up to which event time, which partition holds it back, what waits to be read as of its
last commit, and when that was. A window that ends at or before complete_to is final, except for late records.';
