"""The Debian package: made, looked at, installed, upgraded and removed. python3 -m unittest discover Tests/packaging

MILLRACE names the program that is packed; .build/debug/millrace unless given. Installing needs root and a kernel with
overlayfs: the machine's own files are below, and what dpkg does goes into memory and is forgotten.
"""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("MILLRACE", ROOT / ".build" / "debug" / "millrace")).resolve()

#: Installs, looks, upgrades, removes and purges; each step's last line is what it found.
LIFE = """
set -eu
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount --bind "$2" "$1/root/mnt"
inside() { chroot "$1/root" /bin/sh -euc "$2"; }
inside "$1" 'dpkg --install /mnt/*.deb'
inside "$1" 'stat -c "installed %a %U:%G" /etc/default/millrace'
inside "$1" 'echo "runs $(setpriv --reuid=millrace --regid=millrace --clear-groups /usr/bin/millrace version)"'
inside "$1" 'echo "#mine" >>/etc/default/millrace; mkdir -p /var/lib/millrace; echo secret >/var/lib/millrace/token'
inside "$1" 'dpkg --install /mnt/*.deb'
inside "$1" 'echo "upgraded $(tail -n 1 /etc/default/millrace) $(stat -c %a /etc/default/millrace)"'
inside "$1" 'dpkg --remove millrace'
inside "$1" 'echo "removed $(ls /usr/bin/millrace 2>/dev/null | wc -l) $(ls /etc/default/millrace | wc -l)"'
inside "$1" 'dpkg --purge millrace'
inside "$1" 'echo "purged $(ls -d /etc/default/millrace /var/lib/millrace 2>/dev/null | wc -l)"'
"""


def run(*command, **options):
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True, **options).stdout


class PackageTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not PROGRAM.exists():
            raise unittest.SkipTest(f"{PROGRAM} is not built")
        if shutil.which("dpkg-shlibdeps") is None:
            raise unittest.SkipTest("dpkg-shlibdeps is not here; apt-get install dpkg-dev")
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.package = cls.build("first")
        cls.tree = pathlib.Path(cls.folder.name) / "tree"
        run("dpkg-deb", "--extract", cls.package, cls.tree)

    @classmethod
    def build(cls, name):
        out = pathlib.Path(cls.folder.name) / name
        return pathlib.Path(run(ROOT / "scripts" / "package", "--program", PROGRAM, "--out", out).strip())

    def test_it_says_what_it_is_and_needs(self):
        fields = run("dpkg-deb", "--field", self.package)
        version = run(PROGRAM, "version").split()[1]
        self.assertIn(f"Version: {version}\n", fields)
        for library in ("libpq5", "librdkafka1", "libsimdjson", "libre2", "libmaxminddb0", "libssl3", "zlib1g", "libc6"):
            self.assertRegex(fields, rf"Depends:.* {library}", fields)
        listing = run("dpkg-deb", "--contents", self.package)
        for line in listing.splitlines():
            self.assertEqual(line.split()[1], "root/root", line)
            self.assertNotIn("w", line[5:10], f"others may write: {line}")

    def test_the_same_sources_make_the_same_package(self):
        digests = {hashlib.sha256(package.read_bytes()).hexdigest() for package in (self.package, self.build("again"))}
        self.assertEqual(len(digests), 1)

    def test_every_command_stands_in_the_manual(self):
        page = run("gzip", "-dc", self.tree / "usr/share/man/man1/millrace.1.gz")
        program = json.loads(run(PROGRAM, "--experimental-dump-help"))["command"]
        commands = [one["commandName"] for one in program["subcommands"]
                    if one.get("shouldDisplay", True) and one["commandName"] != "help"]
        self.assertGreater(len(commands), 20)
        for command in commands:
            self.assertIn(".Ss " + command.replace("-", "\\-") + "\n", page)
        if shutil.which("man") is None:
            self.skipTest("man is not here, so nobody has read the page")
        shown = subprocess.run(["man", "--warnings", "-l", str(self.tree / "usr/share/man/man1/millrace.1.gz")],
                               check=True, capture_output=True, text=True, env={**os.environ, "MANWIDTH": "80"})
        self.assertEqual(shown.stderr, "")
        self.assertIn("serve", shown.stdout)

    def test_the_shell_completes_commands(self):
        script = self.tree / "usr/share/bash-completion/completions/millrace"
        words = run("bash", "-c", f"""
            source {script}
            COMP_LINE='millrace ser' COMP_POINT=12 COMP_WORDS=(millrace ser) COMP_CWORD=1
            _millrace millrace ser millrace
            echo "${{COMPREPLY[@]}}"
        """, env={**os.environ, "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"})
        self.assertIn("serve", words.split())

    def test_the_service_is_a_unit_and_shut_in(self):
        if shutil.which("systemd-analyze") is None:
            self.skipTest("systemd-analyze is not here")
        unit = self.tree / "usr/lib/systemd/system/millrace.service"
        found = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True,
                               check=False)
        # The program is not installed here, which is all that may be said.
        complaints = [line for line in found.stderr.splitlines()
                      if "millrace.service" in line and "/usr/bin/millrace is not executable" not in line]
        self.assertEqual(complaints, [])
        verdict = run("systemd-analyze", "security", "--offline=yes", unit).splitlines()[-1]
        self.assertRegex(verdict, r"Overall exposure level for millrace.service: 1\.\d OK")

    def test_it_is_installed_upgraded_and_removed(self):
        if os.geteuid() != 0:
            self.skipTest("installing needs root")
        with tempfile.TemporaryDirectory() as place:
            probe = subprocess.run(
                ["unshare", "--mount", "sh", "-euc", 'mount -t tmpfs none "$0"; mkdir "$0/u" "$0/w" "$0/r"; '
                 'mount -t overlay overlay -o "lowerdir=/,upperdir=$0/u,workdir=$0/w" "$0/r"', place],
                capture_output=True, text=True, check=False)
            if probe.returncode:
                self.skipTest(f"there is no overlayfs to install into: {probe.stderr.strip()}")
            done = subprocess.run(["unshare", "--mount", "sh", "-c", LIFE, "life", place, str(self.package.parent)],
                                  capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        lines = done.stdout.splitlines()
        for expected in ("installed 640 root:millrace", "upgraded #mine 640", "removed 0 1", "purged 0"):
            self.assertIn(expected, lines)
        self.assertTrue(any(line.startswith("runs millrace ") for line in lines), done.stdout)


if __name__ == "__main__":
    unittest.main()
