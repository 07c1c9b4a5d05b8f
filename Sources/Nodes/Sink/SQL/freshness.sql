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
    ), owners AS (
        -- An instance that commits has read on in all of its partitions.
        SELECT p.topology, p.owner, max(p.committed_at) AS committed_at FROM millrace.partitions p
        GROUP BY p.topology, p.owner
    ), parts AS (
        SELECT f.table_schema, f.table_name, f.topology, f.sink, p.topic || '[' || p.partition || ']' AS place,
            p.committed_at, p.log_end IS NOT NULL AND p.log_end <= p.next_offset AS is_read,
            CASE WHEN p.log_end IS NOT NULL THEN greatest(p.log_end - p.next_offset, 0) END AS waiting,
            -- A clock that is ahead completes nothing.
            CASE WHEN p.event_time IS NOT NULL THEN least(p.event_time, p.committed_at) END AS shown,
            CASE WHEN p.owner IS NOT NULL THEN o.committed_at ELSE p.committed_at END AS vouched_for
        FROM feeds f JOIN millrace.partitions p ON p.topology = f.topology
            AND (p.topic = f.feed OR f.feed = '*' AND starts_with(p.topic, 'file:'))
        JOIN owners o ON o.topology = p.topology AND o.owner IS NOT DISTINCT FROM p.owner
        WHERE p.committed_at IS NOT NULL
    ), complete_parts AS (
        -- One that was read to its end is complete up to when its owner committed last.
        SELECT p.*, CASE WHEN p.is_read THEN p.vouched_for ELSE p.shown END AS up_to FROM parts p
    ), tables AS (
        SELECT p.table_schema, p.table_name, p.topology, p.sink, max(p.shown) AS furthest, min(p.up_to) AS least_up_to,
            (array_agg(p.place ORDER BY p.up_to NULLS FIRST, p.place))[1] AS last, bool_and(p.is_read) AS is_read,
            bool_or(p.up_to IS NULL) AS is_unknown, sum(p.waiting)::bigint AS waiting,
            max(p.committed_at) AS committed_at
        FROM complete_parts p GROUP BY p.table_schema, p.table_name, p.topology, p.sink
    ), complete AS (
        -- What nobody has shown is not claimed either, where all is read.
        SELECT t.*, NOT t.is_read OR t.least_up_to < t.furthest AS is_held_back,
            CASE WHEN NOT t.is_unknown AND t.furthest IS NOT NULL THEN least(t.least_up_to, t.furthest) END AS up_to
        FROM tables t
    )
    SELECT c.table_schema, c.table_name, c.topology, c.sink, c.up_to, CASE WHEN c.is_held_back THEN c.last END,
        c.waiting, now() - c.up_to, c.committed_at
    FROM complete c
$$;

CREATE OR REPLACE VIEW millrace.freshness AS SELECT * FROM millrace._freshness();
COMMENT ON VIEW millrace.freshness IS
'How fresh each table is: complete up to which event time, which partition holds it back, what waits to be read as of its
last commit, and when that was. A window that ends at or before complete_to is final, except for late records.';
