"""The bugs that `Tests/mutations/run` puts in fit the source, and it tells when one does not."""

import importlib.machinery
import importlib.util
import os
import sys
import unittest

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "mutations")


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


if __name__ == "__main__":
    unittest.main()
