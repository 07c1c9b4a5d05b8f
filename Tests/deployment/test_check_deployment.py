"""Canaries of scripts/check-deployment: each mistake must be found. python3 -m unittest discover Tests/deployment"""

import importlib.machinery
import importlib.util
import pathlib
import shutil
import sys
import tempfile
import unittest

SERVICE = "deploy/docker-compose.service.yml"
DATASOURCES = "deploy/grafana/provisioning/datasources/datasources.yml"
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def load():
    """The script as a module; its name has no .py."""
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader("check_deployment", str(ROOT / "scripts" / "check-deployment"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


class CanaryTests(unittest.TestCase):
    def problems_after(self, file, old, new):
        """What is found in a copy of the project in which a text was replaced."""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name in ["Dockerfile", "docker-compose.yml", "Package.swift"]:
                shutil.copy(ROOT / name, root)
            for name in ["topologies", "deploy"]:
                shutil.copytree(ROOT / name, root / name)
            for name in ["Metrics.swift", "Version.swift"]:
                (root / "Sources/Millrace/Commands").mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / "Sources/Millrace/Commands" / name, root / "Sources/Millrace/Commands")
            text = (root / file).read_text(encoding="utf-8")
            self.assertIn(old, text)
            (root / file).write_text(text.replace(old, new), encoding="utf-8")
            return list(load().problems(root))

    def test_the_project_as_it_is_has_no_problem(self):
        self.assertEqual(list(load().problems(ROOT)), [])

    def test_every_mistake_is_found(self):
        mistakes = [
            ("Dockerfile", "USER 10001", "USER root", "runs as root"),
            ("Dockerfile", "USER 10001\n", "", "runs as root"),
            ("Dockerfile", "--from=build", "--from=builder", "not there"),
            ("Dockerfile", "COPY topologies/", "COPY examples/", "not there"),
            ("Dockerfile", '["millrace"]', "millrace", "[] form"),
            ("Dockerfile", "debian:bookworm-slim", "debian", "has no tag"),
            ("Dockerfile", "swift:6.3", "swift:5.10", "expected 6."),
            ("docker-compose.yml", "image: postgres:17", "image: postgres:latest", "has no version"),
            ("docker-compose.yml", "image: postgres:17", "build: .\n    image: postgres:17", "expected an image or"),
            ("docker-compose.yml", "127.0.0.1:15432", "15432", "open to the network"),
            ("docker-compose.yml", "DATABASE_URL:", "DATABASE:", "needs the variable DATABASE_URL"),
            ("docker-compose.yml", "game_kpis.yaml", "kpis.yaml", "is not there"),
            ("docker-compose.yml", "./topologies:", "./files:", "is not there"),
            ("docker-compose.yml", "volumes:\n  kafka:\n", "volumes:\n", "volume kafka is not declared"),
            ("docker-compose.yml", "topics: { condition", "topic: { condition", "which is not there"),
            ("docker-compose.yml", "healthcheck:", "x-healthcheck:", "has no health check"),
            ("docker-compose.yml", "  millrace:\n", "  engine:\n", "no service millrace"),
            (SERVICE, "127.0.0.1:9090", "9090", "open to the network"),
            (SERVICE, "prom/prometheus:v3.5.0", "prom/prometheus", "has no version"),
            (SERVICE, "  prometheus:\n  grafana:\n", "  prometheus:\n", "volume grafana is not declared"),
            (SERVICE, "./deploy/prometheus:", "./prometheus:", "is not there"),
            (SERVICE, "      KAFKA_BROKERS: kafka:9092\n", "", "needs the variable KAFKA_BROKERS"),
            ("deploy/prometheus/alerts.yml", "millrace_topology_up", "millrace_up", "no figure millrace_up"),
            ("deploy/prometheus/alerts.yml", "        for: 2m\n", "", "has no for"),
            ("deploy/grafana/dashboards/millrace.json", "millrace_troubles", "millrace_trouble", "no figure"),
            ("deploy/grafana/dashboards/millrace.json", '"y": 13', '"y": 12', "lie over one another"),
            (DATASOURCES, "uid: prometheus", "uid: prom", "which is not there"),
            ("deploy/kubernetes/millrace.yaml", "/ready", "/health", "expected /ready"),
            ("deploy/kubernetes/millrace.yaml", "runAsNonRoot: true", "runAsNonRoot: false", "may run as root"),
            ("deploy/kubernetes/millrace.yaml", "millrace:0.1.0", "millrace:latest", "found image"),
            ("deploy/kubernetes/millrace.yaml", "            limits: { memory: 1Gi }\n", "", "no limit of memory"),
            ("deploy/kubernetes/topologies.yaml", "readOnlyRootFilesystem: true", "runAsGroup: 0", "not confined"),
            ("deploy/kubernetes/keda/scaled-object.yaml", "{ name: millrace }", "{ name: engine }", "not there"),
        ]
        for file, old, new, expected in mistakes:
            found = self.problems_after(file, old, new)
            self.assertTrue(any(expected in one for one in found), f"{old!r} -> {new!r}: {found}")

    def test_a_library_that_the_image_lacks_is_found(self):
        program = shutil.which("psql") and next(iter(pathlib.Path("/usr/lib/postgresql").glob("*/bin/psql")), None)
        if program is None or shutil.which("dpkg-query") is None or shutil.which("readelf") is None:
            self.skipTest("needs Debian's psql, dpkg-query and readelf")
        # psql needs readline, which no image of ours has.
        found = list(load().check_program(ROOT, str(program)))
        self.assertTrue(any("libreadline" in one for one in found), found)
        self.assertFalse(any("libpq.so" in one for one in found), found)


if __name__ == "__main__":
    unittest.main()
