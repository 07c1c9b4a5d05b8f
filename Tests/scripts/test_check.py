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
        self.write("Sources/Good.swift", "/// Good.\npublic struct Good {}\n")

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
        self.write("Sources/Bad.swift", "struct  Bad   {\n}\n")
        self.assertEqual(self.failures(), ["formatting"])

    def test_a_long_file_fails(self):
        self.write("Sources/Long.swift", "// A line.\n" * 401)
        self.assertEqual(self.failures(), ["file lengths"])

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
