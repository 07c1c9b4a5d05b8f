"""The page in a real browser, by the listener's own TLS. python3 -m unittest discover Tests/page"""

import shutil
import unittest

import chromium
import services


class TLSPageTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        missing = [
            (services.PROGRAM.exists(), f"{services.PROGRAM} is not built"),
            (chromium.program(), "there is no chromium; scripts/install-dependencies --test installs it"),
            (services.postgres_programs(), "there is no Postgres; scripts/install-dependencies installs it"),
            (shutil.which("openssl"), "there is no openssl to make certificates with; apt-get install openssl"),
        ]
        for found, what in missing:
            if not found:
                raise unittest.SkipTest(what)
        cls.stand = services.Stand(is_encrypted=True)
        cls.addClassCleanup(cls.stand.stop)
        cls.browser = chromium.Browser()
        cls.addClassCleanup(cls.browser.close)

    def test_somebody_signs_in_looks_and_signs_out(self):
        self.assertTrue(self.stand.address.startswith("https://localhost:"), self.stand.address)
        page = self.browser.page()
        # Nobody vouches for the certificate but itself.
        page.trust_everything()
        page.go(self.stand.address + "/")
        page.fill("#token", self.stand.token())
        page.click("form.sign-in button")
        self.assertEqual(page.text("h1"), "Overview")
        cookies = page.cookies()
        self.assertEqual([(one["secure"], one["httpOnly"]) for one in cookies], [(True, True)], cookies)
        # Its script has asked for the page anew and got it, and a form.
        page.eventually(
            "performance.getEntriesByType('resource').some(e => e.initiatorType === 'fetch' && e.responseStatus === 200)",
            "the script to ask")
        self.assertEqual(page.text("#pulse"), "")
        page.click("form[action='/sign-out'] button")
        self.assertEqual(page.text("h1"), "Millrace")
        self.assertEqual(page.cookies(), [])
        self.assertEqual(page.complaints, [])


if __name__ == "__main__":
    unittest.main()
