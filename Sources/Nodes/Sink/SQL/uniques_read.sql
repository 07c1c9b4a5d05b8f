-- Distinct-count sketches in SQL, for users: estimates, bounds, unions (docs/formats/uniques.md).

CREATE SCHEMA IF NOT EXISTS millrace;

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

-- Estimate and twice the standard error of it.
CREATE OR REPLACE FUNCTION millrace._uniques_figures(
    sketch bytea, OUT estimate double precision, OUT error double precision)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    estimate := millrace._uniques_estimate(sketch, 0);
    error := CASE WHEN get_byte(sketch, 0) IN (17, 18) THEN 0
             ELSE 2 * estimate * (1.04 / sqrt((1 << (get_byte(sketch, 1) & 31))::double precision)) END;
END $$;

CREATE OR REPLACE FUNCTION millrace.uniques_both(
    a bytea, b bytea, OUT estimate double precision, OUT low double precision, OUT high double precision)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    either_sketch CONSTANT bytea := millrace._uniques_merge(ARRAY[a, b]);
    of_a CONSTANT record := millrace._uniques_figures(a);
    of_b CONSTANT record := millrace._uniques_figures(b);
    of_either CONSTANT record := millrace._uniques_figures(either_sketch);
    error double precision;
BEGIN
    IF of_a.error = 0 AND of_b.error = 0 THEN
        -- Exact sketches hold the hashes.
        SELECT count(*) INTO estimate FROM (
            SELECT h FROM unnest(millrace._explicit_hashes(substring(a FROM 4))) AS h
            INTERSECT SELECT h FROM unnest(millrace._explicit_hashes(substring(b FROM 4))) AS h) AS shared;
        low := estimate;
        high := estimate;
        RETURN;
    END IF;
    -- The three errors are taken as independent; that of the union goes along with the others, which can only help.
    error := sqrt(of_a.error * of_a.error + of_b.error * of_b.error + of_either.error * of_either.error);
    estimate := of_a.estimate + of_b.estimate - of_either.estimate;
    low := greatest(estimate - error, 0);
    high := greatest(least(estimate + error, of_a.estimate + of_a.error, of_b.estimate + of_b.error), 0);
    estimate := CASE WHEN estimate > error THEN least(estimate, of_a.estimate, of_b.estimate) END;
END $$;
COMMENT ON FUNCTION millrace.uniques_both(bytea, bytea) IS
'Distinct values that are in both, with bounds of two standard errors or more: exact while both sketches are. The
estimate is null where its error exceeds it, as for a small part that two large sets share; low and high stand still.';

CREATE OR REPLACE FUNCTION millrace.uniques_union(a bytea, b bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN millrace._uniques_merge(ARRAY[a, b]);
END $$;
COMMENT ON FUNCTION millrace.uniques_union(bytea, bytea) IS
'The sketch of the values of either, in the bytes the engine would have written.';

CREATE OR REPLACE AGGREGATE millrace.uniques_merge(bytea) (
    SFUNC = pg_catalog.array_append,
    STYPE = bytea[],
    INITCOND = '{}',
    FINALFUNC = millrace._uniques_merge,
    COMBINEFUNC = pg_catalog.array_cat,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE millrace.uniques_merge(bytea) IS
'The sketch of the values of all sketches of a group; nulls are skipped, null without sketches.';
