"""The bugs that `Tests/mutations/run` puts in fit the source, and it tells when one does not."""

import importlib.machinery
import importlib.util
import os
import re
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(ROOT, "Tests", "mutations")


def load():
    sys.path.insert(0, FOLDER)
    loader = importlib.machinery.SourceFileLoader("mutations_run", os.path.join(FOLDER, "run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("mutations_run", loader))
    loader.exec_module(module)
    return module


class MutationsTest(unittest.TestCase):
    def setUp(self):
        self.run_module = load()

    def test_each_fits_the_source_once(self):
        module = self.run_module
        self.assertEqual(module.misfits(module.ENGINE + module.CHECKER), [])

    def test_one_that_does_not_fit_is_told(self):
        module = self.run_module
        name, edits = module.ENGINE[0]
        stale = module.ENGINE[0].__class__(name, [(edits[0][0], "a text that nobody has written", "another")])
        twice = module.ENGINE[0].__class__(name, [(edits[0][0], "contents", "another")])
        self.assertEqual(len(module.misfits([stale, twice])), 2)

    def test_there_are_enough_and_each_has_a_name_of_its_own(self):
        module = self.run_module
        names = [mutation.name for mutation in module.ENGINE + module.CHECKER]
        self.assertEqual(len(names), len(set(names)))
        self.assertGreaterEqual(len(module.ENGINE), 25)
        self.assertGreaterEqual(len(module.CHECKER), 5)

    def test_a_bug_changes_something(self):
        module = self.run_module
        for mutation in module.ENGINE + module.CHECKER:
            for _, old, new in mutation.edits:
                self.assertNotEqual(old, new, mutation.name)

    def test_the_copy_has_what_its_targets_need(self):
        """Only the whole suite builds the copy, so nothing else notices that a target needs one more."""
        module = self.run_module
        with open(os.path.join(ROOT, "Package.swift"), encoding="utf-8") as manifest:
            ours = needs(manifest.read())
        copied = needs(module.MANIFEST)
        self.assertEqual(sorted(copied), sorted(module.TARGETS))
        for target in module.TARGETS:
            self.assertEqual(copied[target], ours[target] & set(ours), target)


def needs(manifest):
    """The targets of a manifest, each with those of its own package that it depends on."""
    targets = re.findall(r'[.](?:executableT|t)arget[(]\s*name: "(\w+)"(?:,\s*dependencies: \[(.*?)\])?', manifest, re.S)
    return {name: set(re.findall(r'(?<!name: )(?<!package: )"(\w+)"', dependencies)) for name, dependencies in targets}


if __name__ == "__main__":
    unittest.main()
