"""The extension beside the plain functions: the same results, bytes and errors, however Postgres runs the query.

python3 -m unittest discover Tests/extension. MILLRACE_POSTGRES_BIN names the folder of the server's programs; the newest
of the system's unless given. Skipped, in words, without the headers of that server.
"""

import os
import pathlib
import tempfile
import unittest

from server import ROOT, Refused, Server, as_server_user, built, run
from sketches import KINDS, PARAMETERS, Maker

SEED = int(os.environ.get("SEED", "1"))


def binaries():
    """The server's programs and what was found missing, in words."""
    given = os.environ.get("MILLRACE_POSTGRES_BIN")
    found = [pathlib.Path(given)] if given else sorted(
        pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    found = [path for path in found if (path / "initdb").exists()]
    if not found:
        raise unittest.SkipTest("no PostgreSQL server programs here: scripts/install-dependencies installs them")
    config = found[-1] / "pg_config"
    if not config.exists() or not (pathlib.Path(run(config, "--includedir-server").strip()) / "postgres.h").exists():
        raise unittest.SkipTest(f"{found[-1]}: the server's headers are not here; apt-get install postgresql-server-dev-…")
    return found[-1]


#: What a call answers, or its SQLSTATE and message.
ATTEMPT = """
CREATE FUNCTION attempt(call text, sketch bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    EXECUTE call INTO answer USING sketch;
    RETURN answer;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
"""
UNIQUES = (
    "{}.uniques_estimate($1)", "{}.uniques_estimate($1, 7)", "{}.uniques_estimate($1, NULL)", "{}.uniques_low($1)",
    "{}.uniques_high($1)", "{}.uniques_union($1, $1)", "{}.uniques_both($1, $1)",
    "(SELECT {}.uniques_merge(s) FROM unnest(ARRAY[NULL, $1, $1]) AS s)",
)
PERCENTILES = (
    "{}.percentile($1, 0.5)", "{}.percentile_low($1, 0.95)", "{}.percentile_high($1, 0.95)",
    "{}.percentiles($1, '{{{{0,0.01,0.25,NULL}},{{0.5,0.75,0.99,1}}}}')", "{}.percentiles($1, '{{}}')",
    "{}.share_below($1, 1)", "{}.share_below_low($1, 17.3)", "{}.share_below_high($1, -3)",
    "{}.share_below($1, 'Infinity')", "{}.quantile_count($1)", "{}.quantile_min($1)", "{}.quantile_max($1)",
    "{}.quantile_sum($1)", "{}.percentiles_union($1, $1)",
    "(SELECT {}.percentiles_merge(s) FROM unnest(ARRAY[NULL, $1, $1]) AS s)",
    "(SELECT string_agg(d::text, ' ') FROM {}.distribution($1, 9) AS d)",
    "(SELECT string_agg(d::text, ' ') FROM {}.distribution($1, 300) AS d)",
)
SUMS = ("{}.sum_exact($1)", "{}.sum_union($1, $1)", "(SELECT {}.sum_merge(s) FROM unnest(ARRAY[NULL, $1, $1]) AS s)")


class ExtensionTests(unittest.TestCase):
    maxDiff = 2_000

    @classmethod
    def setUpClass(cls):
        programs = binaries()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        library = built(programs, pathlib.Path(folder.name) / "extension")
        cls.server = Server(programs, library)
        cls.addClassCleanup(cls.server.stop)
        cls.server.create("beside")
        cls.server.rows(ATTEMPT, "beside")

    def fill(self, table, groups):
        """A table of parts, each group of which makes one sketch."""
        lines = [f"{group}\t\\\\x{part.hex()}" for group, parts in enumerate(groups) for part in parts]
        self.server.rows(f"DROP TABLE IF EXISTS {table} CASCADE; CREATE TABLE {table} (id int, sketch bytea);\n"
                         f"COPY {table} FROM stdin;\n" + "\n".join(lines) + "\n\\.\nANALYZE " + table, "beside")

    def agree(self, table, calls):
        """Each call answers the same of each sketch in both schemas, or refuses it with the same words."""
        asked = " UNION ALL ".join(
            f"SELECT id, $c${call}$c$ AS call, attempt($c$SELECT ({call.format('millrace')})::text$c$, sketch) AS plain, "
            f"attempt($c$SELECT ({call.format('millrace_sketches')})::text$c$, sketch) AS native, sketch FROM {table}"
            for call in calls)
        differing = self.server.rows(
            f"CREATE TEMP TABLE answers AS {asked};\n"
            "SELECT count(*), count(*) FILTER (WHERE plain ~ '^[0-9A-Z]{5} ') FROM answers;\n"
            "SELECT call, left(plain, 300), left(native, 300), left(sketch::text, 300) FROM answers "
            "WHERE plain IS DISTINCT FROM native LIMIT 5;", "beside")
        self.assertEqual(differing[1:], [], f"seed {SEED}")
        return tuple(map(int, differing[0].split("|")))

    def unions(self, name, groups, merge):
        """Unites groups both ways, compares the bytes and keeps them."""
        self.fill(f"{name}_parts", groups)
        different = self.server.rows(
            f"CREATE TABLE {name} AS SELECT id, millrace.{merge}(sketch) AS sketch, "
            f"millrace_sketches.{merge}(sketch) AS native FROM {name}_parts GROUP BY id;\n"
            f"SELECT id, left(sketch::text, 200), left(native::text, 200) FROM {name} WHERE sketch <> native LIMIT 3;\n"
            f"SELECT encode(sketch, 'hex') FROM {name} ORDER BY id;", "beside")
        whole = [bytes.fromhex(line) for line in different if "|" not in line]
        self.assertEqual(len(whole), len(different), f"seed {SEED}: {different[:3]}")
        return whole

    def check(self, name, groups, merge, calls, damages):
        maker = Maker(SEED)
        whole = self.unions(name, groups, merge)
        self.agree(name, calls)
        damaged = [[maker.damaged(maker.random.choice(whole))] for _ in range(damages)]
        self.fill(f"{name}_damaged", damaged)
        asked, refused = self.agree(f"{name}_damaged", calls)
        # Many are refused, so the messages were compared; not all, so there were results.
        self.assertGreater(refused, asked // 10)
        self.assertLess(refused, asked)
        return len(whole) + len(damaged)

    def test_distinct_counts(self):
        maker = Maker(SEED)
        sizes = (3, 12, 60, 400)
        groups = [list(maker.hashes(PARAMETERS[i % len(PARAMETERS)], 1 + maker.random.randrange(
            12_000 if i % 150 == 149 else sizes[i % 4]))) for i in range(1_500)]
        self.assertGreater(self.check("uniques", groups, "uniques_merge", UNIQUES, 5_000), 6_000)

    def test_percentiles(self):
        maker = Maker(SEED + 1)
        sizes = (2, 40, 200)
        groups = [list(maker.values(KINDS[i % len(KINDS)], 1 + maker.random.randrange(
            4_000 if i % 100 == 99 else sizes[i % 3]))) for i in range(1_000)]
        self.assertGreater(self.check("quantiles", groups, "percentiles_merge", PERCENTILES, 4_000), 4_900)

    def test_unions_of_unions(self):
        """Large parts of different layouts and scales, FULL ones among them."""
        maker = Maker(SEED + 2)
        for name, merge, parts in (
            ("u", "uniques_merge", [list(maker.hashes("8c44", size)) for size in (1, 9, 700, 9_000) * 8]),
            ("q", "percentiles_merge", [list(maker.values(73, size)) for size in (1, 9, 700, 5_000) * 8]),
        ):
            whole = self.unions(f"{name}_large", parts, merge)
            groups = [maker.random.sample(whole, maker.random.randrange(1, 9)) for _ in range(60)]
            self.unions(f"{name}_larger", groups, merge)

    def test_exact_sums(self):
        maker = Maker(SEED + 3)
        groups = [list(maker.sums(1 + maker.random.randrange(30))) for _ in range(1_000)]
        self.assertGreater(self.check("sums", groups, "sum_merge", SUMS, 4_000), 4_900)

    def test_arguments_that_are_out_of_range(self):
        self.fill("small", [[bytes.fromhex(hex_)] for hex_ in ("2100", "22000204", "2149", "2249" + "3ff0" + "00" * 6)])
        self.agree("small", [
            f"{{}}.percentile($1, {q})" for q in (
                "95", "1.5", "-1", "'NaN'", "'Infinity'", "1.01", "11", "12.0", "99.9", "100", "101", "1e300", "NULL", "22")
        ] + ["{}.percentiles($1, ARRAY[0.5, 73])", "{}.share_below($1, 'NaN')", "{}.share_below($1, '-Infinity')",
             "(SELECT count(*) FROM {}.distribution($1, 2))", "(SELECT count(*) FROM {}.distribution($1, 10001))",
             "{}.uniques_estimate($1)", "{}.sum_exact($1)"])
        self.fill("counts", [[bytes.fromhex("128c44" + "00" * 7 + "01")]])
        self.agree("counts", ["{}.uniques_estimate($1, 'NaN')", "{}.uniques_estimate($1, -3)",
                              "{}.uniques_estimate($1, 1e400)", "{}.uniques_estimate(NULL, 3)",
                              "{}.uniques_union($1, '\\x118c40')", "{}.percentiles_union('\\x2100', '\\x2149')",
                              "(SELECT {}.uniques_merge(s) FROM unnest('{{}}'::bytea[]) AS s)"])

    def test_plans(self):
        """Workers, frames, hashed groups and orders make no difference."""
        maker = Maker(SEED + 4)
        self.fill("planned_u", [list(maker.hashes("8c44", 1 + i % 40)) for i in range(400)])
        self.fill("planned_q", [list(maker.values(73, 1 + i % 40)) for i in range(400)])
        self.fill("planned_s", [list(maker.sums(1 + i % 40)) for i in range(400)])
        frames = ("OVER (ORDER BY id RANGE BETWEEN 6 PRECEDING AND CURRENT ROW)", "OVER (ORDER BY id)")
        workers = ("SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;\n"
                   "SET parallel_leader_participation = off;\n")
        forced = ("SELECT set_config(name, 'on', false) FROM pg_settings "
                  "WHERE name IN ('force_parallel_mode', 'debug_parallel_query');\n")
        for table, merge in (("planned_u", "uniques_merge"), ("planned_q", "percentiles_merge"),
                             ("planned_s", "sum_merge")):
            total = f"SELECT md5(NATIVE.{merge}(sketch)::text) FROM {table};\n"
            grouped = (f"SELECT md5(string_agg(s::text, ',' ORDER BY g)) FROM (SELECT id % 7 AS g, "
                       f"NATIVE.{merge}(sketch) AS s FROM {table} GROUP BY 1) AS x;\n")
            framed = "".join(f"SELECT md5(string_agg(s::text, ',' ORDER BY i)) FROM (SELECT row_number() OVER () AS i, s "
                             f"FROM (SELECT NATIVE.{merge}(sketch) {frame} AS s FROM {table} WHERE id < 80) AS y) AS x;\n"
                             for frame in frames)
            script = total + grouped + framed
            plain = self.server.rows(script.replace("NATIVE", "millrace"), "beside")
            native = script.replace("NATIVE", "millrace_sketches")
            self.assertEqual(self.server.rows(native, "beside"), plain)
            parallel = self.server.rows(workers + f"EXPLAIN (COSTS OFF) {total.replace('NATIVE', 'millrace_sketches')}"
                                        + native, "beside")
            self.assertIn("Partial Aggregate", " ".join(parallel))
            self.assertEqual(parallel[-4:], plain)
            self.assertEqual(self.server.rows(forced + native, "beside")[-4:], plain)

    def test_every_function_is_there_with_the_same_shape(self):
        """All of the plain functions but those over frequent values, and nothing else that users see."""
        shape = ("SELECT proname, pg_get_function_arguments(oid), pg_get_function_result(oid), prokind, proisstrict, "
                 "obj_description(oid, 'pg_proc') FROM pg_proc WHERE pronamespace = '{}'::regnamespace "
                 "AND proname !~ '^(_|top)' ORDER BY 1, 2;")
        plain = self.server.rows(shape.format("millrace"), "beside")
        self.assertEqual(self.server.rows(shape.format("millrace_sketches"), "beside"), plain)
        self.assertGreater(len(plain), 20)
        self.assertEqual(self.server.rows(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'millrace_sketches'::regnamespace "
            "AND (provolatile <> 'i' OR proparallel <> 's')", "beside"), [])

    def test_parts_of_aggregates_are_not_to_be_called(self):
        for call in ("_uniques_merge_final(NULL)", "_uniques_merge_deserialize('\\x00', NULL)",
                     "_sum_merge_deserialize('\\x00', NULL)", "_percentiles_merge_step(NULL, '\\x2100')"):
            with self.assertRaisesRegex(Refused, "not to be called|does not exist|accepts? .*internal|internal"):
                self.server.rows(f"SELECT millrace_sketches.{call}", "beside")


if __name__ == "__main__":
    unittest.main()
