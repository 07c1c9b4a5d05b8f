-- The functions of schema millrace over sketches, with the same names, arguments, results and bytes, in C.
--
-- Nothing in schema millrace names anything of these, so that they may come and go.
\echo Use "CREATE EXTENSION millrace_sketches" to load this file. \quit

-- A part of the extension: it goes with it, and statements that were planned before are planned anew both times.
CREATE SCHEMA millrace_sketches;
GRANT USAGE ON SCHEMA millrace_sketches TO PUBLIC;
COMMENT ON SCHEMA millrace_sketches IS
'The SQL functions of Millrace over sketches in C: of the same names and results as those in schema millrace.';

CREATE FUNCTION millrace_sketches.uniques_estimate(sketch bytea) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_uniques_estimate';
COMMENT ON FUNCTION millrace_sketches.uniques_estimate(bytea) IS
'Number of distinct values; exact up to the threshold (default 8), then with standard error 1.04 / sqrt(2^log2m).';

CREATE FUNCTION millrace_sketches.uniques_estimate(sketch bytea, value_count numeric) RETURNS double precision
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_uniques_estimate_of';
COMMENT ON FUNCTION millrace_sketches.uniques_estimate(bytea, numeric) IS
'The same, never above the number of values (column NAME_values, or the sum of it); a null number is no bound.';

CREATE FUNCTION millrace_sketches.uniques_low(sketch bytea) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_uniques_low';
COMMENT ON FUNCTION millrace_sketches.uniques_low(bytea) IS
'The estimate less two standard errors; the count itself while exact.';

CREATE FUNCTION millrace_sketches.uniques_high(sketch bytea) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_uniques_high';
COMMENT ON FUNCTION millrace_sketches.uniques_high(bytea) IS
'The estimate plus two standard errors; the count itself while exact.';

CREATE FUNCTION millrace_sketches.uniques_both(
    a bytea, b bytea, OUT estimate double precision, OUT low double precision, OUT high double precision)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_uniques_both';
COMMENT ON FUNCTION millrace_sketches.uniques_both(bytea, bytea) IS
'Distinct values that are in both, with bounds of two standard errors or more: exact while both sketches are. The
estimate is null where its error exceeds it, as for a small part that two large sets share; low and high stand still.';

CREATE FUNCTION millrace_sketches.uniques_union(a bytea, b bytea) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_uniques_union';
COMMENT ON FUNCTION millrace_sketches.uniques_union(bytea, bytea) IS
'The sketch of the values of either, in the bytes the engine would have written.';

CREATE FUNCTION millrace_sketches.percentile(sketch bytea, q double precision) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_percentile';
COMMENT ON FUNCTION millrace_sketches.percentile(bytea, double precision) IS
'The value of rank floor(q (n - 1)), at most 0.5416 % off; exact up to 32 integers or decimals. Null without values.';

CREATE FUNCTION millrace_sketches.percentile_low(sketch bytea, q double precision) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_percentile_low';
COMMENT ON FUNCTION millrace_sketches.percentile_low(bytea, double precision) IS
'The true value of rank floor(q (n - 1)) is not below this.';

CREATE FUNCTION millrace_sketches.percentile_high(sketch bytea, q double precision) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_percentile_high';
COMMENT ON FUNCTION millrace_sketches.percentile_high(bytea, double precision) IS
'The true value of rank floor(q (n - 1)) is not above this.';

CREATE FUNCTION millrace_sketches.percentiles(sketch bytea, quantiles double precision[])
RETURNS double precision[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_percentiles';
COMMENT ON FUNCTION millrace_sketches.percentiles(bytea, double precision[]) IS
'percentile() of each of the quantiles, in one pass over the sketch.';

CREATE FUNCTION millrace_sketches.percentiles_union(a bytea, b bytea) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_percentiles_union';
COMMENT ON FUNCTION millrace_sketches.percentiles_union(bytea, bytea) IS
'The sketch of all values of both, in the bytes the engine would have written.';

CREATE FUNCTION millrace_sketches.quantile_count(sketch bytea) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_quantile_count';
COMMENT ON FUNCTION millrace_sketches.quantile_count(bytea) IS
'Number of values in a percentile sketch, exact.';

CREATE FUNCTION millrace_sketches.quantile_min(sketch bytea) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_quantile_min';
COMMENT ON FUNCTION millrace_sketches.quantile_min(bytea) IS
'Smallest value, exact; null without values.';

CREATE FUNCTION millrace_sketches.quantile_max(sketch bytea) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_quantile_max';
COMMENT ON FUNCTION millrace_sketches.quantile_max(bytea) IS
'Largest value, exact; null without values.';

CREATE FUNCTION millrace_sketches.quantile_sum(sketch bytea) RETURNS numeric
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_quantile_sum';
COMMENT ON FUNCTION millrace_sketches.quantile_sum(bytea) IS
'Sum of all values: exact for integers and decimals; doubles are rounded to nine places one by one. Null where that says
nothing: when the largest magnitude is 1.7e29 or more, or below 0.000001.';

CREATE FUNCTION millrace_sketches.share_below(sketch bytea, x double precision) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_share_below';
COMMENT ON FUNCTION millrace_sketches.share_below(bytea, double precision) IS
'The share of the values that are less than x, 0 to 1: exact but for the bucket that x lies in. Null without values.';

CREATE FUNCTION millrace_sketches.share_below_low(sketch bytea, x double precision) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_share_below_low';
COMMENT ON FUNCTION millrace_sketches.share_below_low(bytea, double precision) IS
'The true share below x is not less than this.';

CREATE FUNCTION millrace_sketches.share_below_high(sketch bytea, x double precision) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_share_below_high';
COMMENT ON FUNCTION millrace_sketches.share_below_high(bytea, double precision) IS
'The true share below x is not more than this.';

CREATE FUNCTION millrace_sketches.distribution(
    sketch bytea, bars int, OUT low double precision, OUT high double precision, OUT count bigint)
RETURNS SETOF record
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_distribution';
COMMENT ON FUNCTION millrace_sketches.distribution(bytea, int) IS
'At most so many bars for a chart, in ascending order: how many values lie between low and high. Of its ends the one away
from zero belongs to a bar, and the least and the greatest value to the outer ones. Counts are exact, and bars of one
sign span equal ratios; bars without values are there too.';

CREATE FUNCTION millrace_sketches.sum_exact(state bytea) RETURNS numeric
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_sum_exact';
COMMENT ON FUNCTION millrace_sketches.sum_exact(bytea) IS
'The exact sum of doubles, every digit of it; sums of these are exact too. ::float8 rounds it once.';

CREATE FUNCTION millrace_sketches.sum_union(a bytea, b bytea) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_sum_union';
COMMENT ON FUNCTION millrace_sketches.sum_union(bytea, bytea) IS
'The exact sum of the doubles of both, in the bytes the engine would have written.';

CREATE FUNCTION millrace_sketches._uniques_merge_step(internal, bytea) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_uniques_step';
CREATE FUNCTION millrace_sketches._uniques_merge_combine(internal, internal) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_uniques_combine';
CREATE FUNCTION millrace_sketches._uniques_merge_final(internal) RETURNS bytea
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_uniques_final';
CREATE FUNCTION millrace_sketches._uniques_merge_serialize(internal) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_uniques_final';
CREATE FUNCTION millrace_sketches._uniques_merge_deserialize(bytea, internal) RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_uniques_deserialize';
CREATE AGGREGATE millrace_sketches.uniques_merge(bytea) (
    SFUNC = millrace_sketches._uniques_merge_step,
    STYPE = internal,
    FINALFUNC = millrace_sketches._uniques_merge_final,
    COMBINEFUNC = millrace_sketches._uniques_merge_combine,
    SERIALFUNC = millrace_sketches._uniques_merge_serialize,
    DESERIALFUNC = millrace_sketches._uniques_merge_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE millrace_sketches.uniques_merge(bytea) IS
'The sketch of the values of all sketches of a group; nulls are skipped, null without sketches.';

CREATE FUNCTION millrace_sketches._percentiles_merge_step(internal, bytea) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_percentiles_step';
CREATE FUNCTION millrace_sketches._percentiles_merge_combine(internal, internal) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_percentiles_combine';
CREATE FUNCTION millrace_sketches._percentiles_merge_final(internal) RETURNS bytea
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_percentiles_final';
CREATE FUNCTION millrace_sketches._percentiles_merge_serialize(internal) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_percentiles_final';
CREATE FUNCTION millrace_sketches._percentiles_merge_deserialize(bytea, internal) RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_percentiles_deserialize';
CREATE AGGREGATE millrace_sketches.percentiles_merge(bytea) (
    SFUNC = millrace_sketches._percentiles_merge_step,
    STYPE = internal,
    FINALFUNC = millrace_sketches._percentiles_merge_final,
    COMBINEFUNC = millrace_sketches._percentiles_merge_combine,
    SERIALFUNC = millrace_sketches._percentiles_merge_serialize,
    DESERIALFUNC = millrace_sketches._percentiles_merge_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE millrace_sketches.percentiles_merge(bytea) IS
'The sketch of all values of all sketches of a group; nulls are skipped, null without sketches.';

CREATE FUNCTION millrace_sketches._sum_merge_step(internal, bytea) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_sum_step';
CREATE FUNCTION millrace_sketches._sum_merge_combine(internal, internal) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_sum_combine';
CREATE FUNCTION millrace_sketches._sum_merge_final(internal) RETURNS bytea
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_sum_final';
CREATE FUNCTION millrace_sketches._sum_merge_serialize(internal) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_sum_serialize';
CREATE FUNCTION millrace_sketches._sum_merge_deserialize(bytea, internal) RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'mrs_sql_sum_deserialize';
CREATE AGGREGATE millrace_sketches.sum_merge(bytea) (
    SFUNC = millrace_sketches._sum_merge_step,
    STYPE = internal,
    FINALFUNC = millrace_sketches._sum_merge_final,
    COMBINEFUNC = millrace_sketches._sum_merge_combine,
    SERIALFUNC = millrace_sketches._sum_merge_serialize,
    DESERIALFUNC = millrace_sketches._sum_merge_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE millrace_sketches.sum_merge(bytea) IS
'The exact sum of all doubles of a group of rows; nulls are skipped, null without sums.';
