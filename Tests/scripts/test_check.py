"""Tests of scripts/check: a copy of the project with one thing wrong in it fails, and says what."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).parents[2]


class CheckTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.copy = pathlib.Path(folder.name)
        for name in ("scripts", ".ci", "topologies", "docs"):
            shutil.copytree(ROOT / name, self.copy / name)
        for name in ("Dockerfile", "docker-compose.yml", "README.md", ".swift-format"):
            shutil.copy(ROOT / name, self.copy / name)
        for name in ("Sources", "Tests"):
            (self.copy / name).mkdir()
        self.write("Package.swift", "// Nothing is built here.\n")
        self.write("Sources/Good.swift", "/// Good.\npublic struct Good {}\n\nlet good = Good()\nfunc see() { see(good) }\n")
        for name in ("names-used-elsewhere.txt", "unsafe-files.txt"):
            self.write(f"scripts/{name}", "# Nothing.\n")

    def write(self, name, text):
        (self.copy / name).write_text(text, encoding="utf-8")

    def failures(self):
        """The checks that fail now; the checks of deployment files need the real sources and are left out."""
        end = subprocess.run([ROOT / "scripts" / "check", self.copy], capture_output=True, text=True, timeout=120)
        failed = [line.removeprefix("FAILED  ") for line in end.stdout.splitlines() if line.startswith("FAILED")]
        self.assertEqual(end.returncode, 1 if failed else 0)
        return [name for name in failed if name != "deployment files"]

    def test_a_sound_copy_passes(self):
        self.assertEqual(self.failures(), [])

    def test_bad_formatting_fails(self):
        self.write("Sources/Bad.swift", "struct  Good   {\n}\n")
        self.assertEqual(self.failures(), ["formatting"])

    def test_a_long_file_fails(self):
        self.write("Sources/Long.swift", "// A line.\n" * 401)
        self.assertEqual(self.failures(), ["file lengths"])

    def test_a_long_function_fails(self):
        self.write("Tests/Long.swift", "func see() {\n" + "    see()\n" * 69 + "}\n")
        self.assertEqual(self.failures(), ["function lengths"])

    def test_a_long_text_is_no_long_function(self):
        self.write("Tests/Long.swift", 'func see() {\n    see(\n        """\n' + "        }\n" * 80 + '        """)\n}\n')
        self.assertEqual(self.failures(), [])

    def test_what_nobody_uses_fails(self):
        for line in ("func forgotten() {}", "let forgotten = 1", "struct Forgotten {}", "typealias Forgotten = Good"):
            self.write("Sources/Dead.swift", f"// Forgotten, forgotten.\n{line}\n")
            self.assertEqual(self.failures(), ["dead code"], line)

    def test_a_case_that_nobody_uses_fails(self):
        self.write("Sources/Dead.swift", "enum Good {\n    case good, see(Int), forgotten\n}\n")
        self.assertEqual(self.failures(), ["dead code"])

    def test_names_in_interpolations_and_tests_are_used(self):
        self.write("Sources/Used.swift", 'func used() { see("a \\(see("b")) \\(used)", #"""#, "//") }\n')
        self.write("Tests/Used.swift", "@Test(arguments: [1, 2]) func nobodyCallsIt(_ see: Int) { see() }\n")
        self.assertEqual(self.failures(), [])

    def test_what_others_use_may_be_listed_while_it_is_there(self):
        self.write("scripts/names-used-elsewhere.txt", "forgotten  Foundation calls it\n")
        self.assertEqual(self.failures(), ["dead code"])
        self.write("Sources/Dead.swift", "let forgotten = 1\n")
        self.assertEqual(self.failures(), [])
        self.write("scripts/names-used-elsewhere.txt", "forgotten\n")
        self.assertEqual(self.failures(), ["dead code"])

    def test_unsafe_code_outside_of_its_fence_fails(self):
        for line in ("let good = unsafe see()", "extension Good: @unchecked Sendable {}"):
            self.write("Sources/Open.swift", f"// Is unsafe.\n{line}\n")
            self.assertEqual(self.failures(), ["unsafe code"], line)
        self.write("scripts/unsafe-files.txt", "Sources/O*.swift  for speed\n")
        self.assertEqual(self.failures(), [])

    def test_a_fence_around_nothing_fails(self):
        self.write("scripts/unsafe-files.txt", "Sources/Good.swift  for speed\n")
        self.assertEqual(self.failures(), ["unsafe code"])

    def test_a_broken_script_fails(self):
        self.write("scripts/broken", "#!/usr/bin/env bash\nif true; then\n")
        self.assertEqual(self.failures(), ["shell syntax"])

    def test_a_path_of_somebodys_machine_fails(self):
        self.write("docs/where.md", "See /" + "home/somebody/notes.\n")
        self.assertEqual(self.failures(), ["machine paths"])

    def test_unfinished_work_fails(self):
        self.write("Sources/Later.swift", "// TO" + "DO: later\n")
        self.assertEqual(self.failures(), ["unfinished work"])


if __name__ == "__main__":
    unittest.main()
