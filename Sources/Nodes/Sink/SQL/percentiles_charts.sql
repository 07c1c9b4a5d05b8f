-- Percentile sketches in SQL, for users: shares and charts (docs/formats/quantiles.md).

CREATE SCHEMA IF NOT EXISTS millrace;

-- The share of the values below x: at least (bound -1), estimated within a bucket (0), at most (1).
CREATE OR REPLACE FUNCTION millrace._share_below(sketch bytea, x double precision, bound int) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    s CONSTANT record := millrace._percentiles_read(substring(sketch FROM 1));
    low double precision;
    high double precision;
    bucket_low double precision;
    bucket_high double precision;
    below bigint := 0;
BEGIN
    IF x = 'NaN' THEN
        RAISE EXCEPTION 'share_below: found NaN, expected a number' USING ERRCODE = 'numeric_value_out_of_range';
    ELSIF s.n = 0 THEN
        RETURN NULL;
    ELSIF s.is_exact THEN
        FOR i IN 1 .. s.n LOOP
            EXIT WHEN millrace._raw_to_double(s.code, s.vals[i]) >= x;
            below := below + 1;
        END LOOP;
        RETURN below / s.n::double precision;
    END IF;
    low := millrace._raw_to_double(s.code, s.low);
    high := millrace._raw_to_double(s.code, s.high);
    IF x <= low THEN
        RETURN 0;
    ELSIF x > high THEN
        RETURN 1;
    END IF;
    FOR i IN 1 .. cardinality(s.keys) LOOP
        bucket_high := least(millrace._key_value(s.keys[i], s.halvings, 1), high);
        IF bucket_high < x THEN
            below := below + s.counts[i];
            CONTINUE;
        END IF;
        bucket_low := greatest(millrace._key_value(s.keys[i], s.halvings, -1), low);
        EXIT WHEN x <= bucket_low OR bound < 0;
        -- Values of the bucket are taken to lie evenly between its ends.
        RETURN CASE bound WHEN 1 THEN below + s.counts[i]
            ELSE below + s.counts[i] * ((x - bucket_low) / (bucket_high - bucket_low)) END / s.n::double precision;
    END LOOP;
    RETURN below / s.n::double precision;
END $$;

-- MARK: For users

CREATE OR REPLACE FUNCTION millrace.share_below(sketch bytea, x double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN millrace._share_below(sketch, x, 0);
END $$;
COMMENT ON FUNCTION millrace.share_below(bytea, double precision) IS
'The share of the values that are less than x, 0 to 1: exact but for the bucket that x lies in. Null without values.';

CREATE OR REPLACE FUNCTION millrace.share_below_low(sketch bytea, x double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN millrace._share_below(sketch, x, -1);
END $$;
COMMENT ON FUNCTION millrace.share_below_low(bytea, double precision) IS
'The true share below x is not less than this.';

CREATE OR REPLACE FUNCTION millrace.share_below_high(sketch bytea, x double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN millrace._share_below(sketch, x, 1);
END $$;
COMMENT ON FUNCTION millrace.share_below_high(bytea, double precision) IS
'The true share below x is not more than this.';

CREATE OR REPLACE FUNCTION millrace.distribution(
    sketch bytea, bars int, OUT low double precision, OUT high double precision, OUT count bigint)
RETURNS SETOF record
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s record := millrace._percentiles_read(substring(sketch FROM 1));
    least_value CONSTANT double precision := millrace._raw_to_double(s.code, s.low);
    greatest_value CONSTANT double precision := millrace._raw_to_double(s.code, s.high);
    part record;
    step int := 1;
    needed int;
BEGIN
    IF bars NOT BETWEEN 3 AND 10000 THEN
        RAISE EXCEPTION 'distribution: number of bars out of range, found %, expected 3 to 10000', bars
            USING ERRCODE = 'numeric_value_out_of_range';
    ELSIF s.n = 0 THEN
        RETURN;
    ELSIF s.is_exact THEN
        SELECT array_agg(k ORDER BY k) AS keys, array_agg(c ORDER BY k) AS counts INTO part
        FROM (SELECT millrace._raw_to_key(s.code, v) AS k, count(*) AS c FROM unnest(s.vals) AS v GROUP BY 1) AS placed;
        s.keys := part.keys;
        s.counts := part.counts;
    END IF;
    -- As many neighbouring buckets make a bar as it takes: at least one bar for each sign.
    LOOP
        SELECT coalesce(sum(1 + (max - min)), 0) INTO needed FROM (
            SELECT max((abs(k) - 1) / step), min((abs(k) - 1) / step) FROM unnest(s.keys) AS k GROUP BY sign(k)
        ) AS signs;
        EXIT WHEN needed <= bars;
        step := step + greatest(1, step / 16);
    END LOOP;
    RETURN QUERY
        SELECT greatest(CASE b.sign WHEN 0 THEN 0 WHEN 1 THEN millrace._key_value(b.bar * step + 1, s.halvings, -1)
                   ELSE millrace._key_value(-(b.bar + 1) * step, s.halvings, -1) END, least_value),
               least(CASE b.sign WHEN 0 THEN 0 WHEN 1 THEN millrace._key_value((b.bar + 1) * step, s.halvings, 1)
                   ELSE millrace._key_value(-b.bar * step - 1, s.halvings, 1) END, greatest_value),
               coalesce(sum(u.c), 0)::bigint
        FROM (
            SELECT e.sign, generate_series(e.first, e.last) AS bar FROM (
                SELECT sign(k)::int AS sign, min((abs(k) - 1) / step) AS first, max((abs(k) - 1) / step) AS last
                FROM unnest(s.keys) AS k GROUP BY 1
            ) AS e
        ) AS b
        LEFT JOIN unnest(s.keys, s.counts) AS u(k, c) ON sign(u.k)::int = b.sign AND (abs(u.k) - 1) / step = b.bar
        GROUP BY b.sign, b.bar ORDER BY b.sign, b.sign * b.bar;
END $$;
COMMENT ON FUNCTION millrace.distribution(bytea, int) IS
'At most so many bars for a chart, in ascending order: how many values lie between low and high. Of its ends the one away
from zero belongs to a bar, and the least and the greatest value to the outer ones. Counts are exact, and bars of one
sign span equal ratios; bars without values are there too.';
