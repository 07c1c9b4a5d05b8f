"""The extension as users get it: its package, CREATE EXTENSION, and DROP EXTENSION under those who read.

python3 -m unittest discover Tests/extension. Needs root and a kernel with overlayfs: the package is put into a copy of the
machine's files that is forgotten afterwards.
"""

import os
import pathlib
import subprocess
import tempfile
import unittest

from server import ROOT, Refused, Server, run
from test_extension import binaries

#: Mounts a copy of / that is written to memory, installs the package in it and goes on with this file.
INSTALLED = """
set -eu
mount --make-rprivate /
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work"
mount -t overlay overlay -o "lowerdir=/usr,upperdir=$1/upper,workdir=$1/work" /usr
dpkg-deb --extract "$2" "$1/tree"
cp -R "$1/tree/usr/." /usr
MILLRACE_EXTENSION_INSTALLED=1 exec python3 -m unittest --verbose test_install.InstalledTests
"""
HOURS = "SELECT encode(uniques_merge(sketch), 'hex') FROM parts"
ONE_AND_TWO = "128c44" + "00" * 7 + "01" + "00" * 7 + "02"


class PackageTests(unittest.TestCase):
    def test_what_the_package_installs_works(self):
        programs = binaries()
        if "/usr/lib/postgresql" not in str(programs):
            self.skipTest(f"{programs} is no server of the distribution, and has no package")
        if os.geteuid() != 0:
            self.skipTest("needs root, to put the package into a copy of the machine's files")
        with tempfile.TemporaryDirectory() as folder:
            package = run(ROOT / "scripts/package-extension", "--pg-config", programs / "pg_config", "--out", folder).strip()
            content = run("dpkg-deb", "--contents", package)
            major = programs.parent.name
            for path in (f"/usr/lib/postgresql/{major}/lib/millrace_sketches.so",
                         f"/usr/share/postgresql/{major}/extension/millrace_sketches.control",
                         f"/usr/share/postgresql/{major}/extension/millrace_sketches--1.0.sql"):
                self.assertIn(path, content)
            again = run(ROOT / "scripts/package-extension", "--pg-config", programs / "pg_config", "--out",
                        pathlib.Path(folder) / "again").strip()
            self.assertEqual(pathlib.Path(package).read_bytes(), pathlib.Path(again).read_bytes())
            copy = pathlib.Path(folder) / "copy"
            copy.mkdir()
            done = subprocess.run(
                ["unshare", "--mount", "sh", "-euc", INSTALLED, "sh", copy, package],
                cwd=ROOT / "Tests/extension", capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr[-4_000:])


@unittest.skipUnless(os.environ.get("MILLRACE_EXTENSION_INSTALLED"), "runs inside PackageTests")
class InstalledTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(binaries())
        cls.addClassCleanup(cls.server.stop)

    def setUp(self):
        self.database = self._testMethodName[:40]
        self.server.create(self.database, native=False)
        self.rows("CREATE TABLE parts (sketch bytea);\n"
                  f"INSERT INTO parts VALUES ('\\x{ONE_AND_TWO[:22]}'), ('\\x128c44{ONE_AND_TWO[22:]}')")

    def rows(self, script):
        return self.server.rows(script, self.database)

    def test_statements_take_it_up_and_let_it_go(self):
        """A prepared statement, in one session, without connecting again."""
        planned = "EXPLAIN (VERBOSE, COSTS OFF) EXECUTE hours;\n"
        self.rows(f"ALTER DATABASE {self.database} SET search_path = \"$user\", public, millrace_sketches, millrace")
        used = ("SELECT n.nspname FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace "
                "WHERE p.oid = 'uniques_merge(bytea)'::regprocedure;\n")
        lines = self.rows(
            f"PREPARE hours AS {HOURS};\nEXECUTE hours;\n{used}"
            f"CREATE EXTENSION millrace_sketches;\nEXECUTE hours;\n{used}{planned}"
            f"DROP EXTENSION millrace_sketches;\nEXECUTE hours;\n{used}"
            f"CREATE EXTENSION millrace_sketches;\nEXECUTE hours;\n{used}{planned}")
        answers = [line for line in lines if line in (ONE_AND_TWO, "millrace", "millrace_sketches")]
        self.assertEqual(answers, [ONE_AND_TWO, "millrace", ONE_AND_TWO, "millrace_sketches"] * 2)
        # What was prepared before is planned with the native function; the plain one would be shown with its schema.
        self.assertEqual(" ".join(lines).count("Output: encode(uniques_merge(sketch), 'hex'::text)"), 2)

    def test_views_over_the_plain_functions_outlive_it(self):
        lines = self.rows(
            "CREATE VIEW plain AS SELECT encode(millrace.uniques_merge(sketch), 'hex') AS s FROM parts;\n"
            "CREATE EXTENSION millrace_sketches;\nSELECT * FROM plain;\n"
            "DROP EXTENSION millrace_sketches CASCADE;\nSELECT * FROM plain;\n"
            "SELECT count(*) FROM pg_namespace WHERE nspname = 'millrace_sketches'")
        self.assertEqual(lines, [ONE_AND_TWO, ONE_AND_TWO, "0"])

    def test_nothing_of_the_plain_functions_depends_on_it(self):
        self.rows("CREATE EXTENSION millrace_sketches")
        self.assertEqual(self.rows(
            "SELECT count(*) FROM pg_depend AS d JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid "
            "AND p.pronamespace = 'millrace'::regnamespace JOIN pg_proc AS r ON d.refclassid = 'pg_proc'::regclass "
            "AND d.refobjid = r.oid AND r.pronamespace = 'millrace_sketches'::regnamespace;\n"
            "SELECT count(*) FROM pg_proc WHERE pronamespace = 'millrace'::regnamespace AND prosrc ~ 'millrace_sketches'"),
            ["0", "0"])

    def test_a_view_over_the_native_functions_keeps_it(self):
        with self.assertRaisesRegex(Refused, "view native depends on function millrace_sketches.uniques_merge"):
            self.rows("CREATE EXTENSION millrace_sketches;\n"
                      "CREATE VIEW native AS SELECT millrace_sketches.uniques_merge(sketch) FROM parts;\n"
                      "DROP EXTENSION millrace_sketches")

    def test_it_goes_while_somebody_reads(self):
        """A cursor that is open over the native functions reads to its end: what is loaded stays loaded."""
        self.rows("CREATE EXTENSION millrace_sketches")
        lines = self.rows(
            "BEGIN;\nDECLARE reading CURSOR FOR SELECT millrace_sketches.uniques_estimate(sketch) FROM parts;\n"
            "FETCH 1 FROM reading;\n"
            f"\\! psql -XqAt -h '{self.server.folder}' -U tester -d {self.database} -c 'DROP EXTENSION millrace_sketches'\n"
            "FETCH 1 FROM reading;\nCOMMIT;\nSELECT millrace.uniques_estimate(sketch) FROM parts LIMIT 1;")
        self.assertEqual(lines, ["1", "1", "1"])


if __name__ == "__main__":
    unittest.main()
