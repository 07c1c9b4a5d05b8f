"""The listener with TLS: the attacks of test_attack through it, and those that it makes possible.

python3 -m unittest discover Tests/attack
"""

import contextlib
import os
import pathlib
import random
import re
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import warnings

import encrypted
import test_attack
from test_attack import services
from services import eventually


def context(certificate, **options):
    """What believes one certificate."""
    made = ssl.create_default_context(cafile=str(certificate))
    for name, value in options.items():
        setattr(made, name, value)
    return made


def anonymous_memory(process):
    """Bytes that a process holds and the system cannot drop."""
    text = pathlib.Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+) kB", text)[1]) << 10


@unittest.skipUnless(shutil.which("openssl"), "there is no openssl to make certificates with; apt-get install openssl")
class TLSAttackTests(test_attack.AttackTests):
    """What the listener bears without TLS, it bears with it."""

    is_encrypted = True
    # What bytes do behind TLS is tried at length without it.
    seconds = max(3, test_attack.SECONDS / 10)
    # They are about what is answered, not about how it travels.
    test_answers_are_those_of_the_document = None
    test_a_document_that_lies_is_found_out = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.context = context(cls.stand.certificate)

    def connect(self):
        return encrypted.Connection(self.place, self.context)

    def idle(self, index):
        """Nothing, half of a hello, a handshake without a request, or half of one."""
        if index % 4 > 1:
            try:
                connection = self.connect()
            except OSError:
                return socket.socket()  # It has given way already.
            with contextlib.suppress(OSError):
                if index % 4 == 3:
                    connection.send(b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n")
            return connection
        connection = encrypted.Connection(self.place, self.context, shakes_hands=False)
        with contextlib.suppress(OSError):
            if index % 4 == 1:
                connection.socket.sendall(connection.hello()[:100])
        return connection

    # What TLS makes possible.

    def health(self, connection):
        """The first line of the answer; whoever answers says that this was all."""
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b""
        while data := connection.recv(1 << 16):
            answer += data
        self.assertTrue(connection.has_said_goodbye)
        return answer.split(b"\r\n")[0]

    def test_versions(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            one = context(self.stand.certificate, minimum_version=version, maximum_version=version)
            with encrypted.Connection(self.place, one) as connection:
                self.assertEqual(connection.tls.version(), version.name.replace("_", "."))
                self.assertEqual(self.health(connection), b"HTTP/1.1 200 OK")
                session = connection.tls.session
            # Every request is a connection of its own: a session is taken up again.
            with encrypted.Connection(self.place, one, session=session) as connection:
                self.assertTrue(connection.tls.session_reused)
                self.assertEqual(self.health(connection), b"HTTP/1.1 200 OK")
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        # A client that would speak it.
        old.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaisesRegex(ssl.SSLError, "alert protocol version|ALERT_PROTOCOL_VERSION"):
            encrypted.Connection(self.place, old)

    def test_the_protocol_is_http_1_1(self):
        for offered, chosen in (([], None), (["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "http/1.1")):
            one = context(self.stand.certificate)
            if offered:
                one.set_alpn_protocols(offered)
            with encrypted.Connection(self.place, one) as connection:
                self.assertEqual(connection.tls.selected_alpn_protocol(), chosen)
        one.set_alpn_protocols(["h2"])
        with self.assertRaisesRegex(ssl.SSLError, "(?i)no.application.protocol"):
            encrypted.Connection(self.place, one)

    def test_nothing_is_agreed_upon_twice(self):
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{self.place[1]}", "-tls1_2", "-CAfile", self.stand.certificate],
            input="R\n", capture_output=True, text=True, timeout=60)
        self.assertIn("RENEGOTIATING", done.stderr)
        self.assertIn("no renegotiation", done.stderr)

    def test_keys_may_be_changed(self):
        with subprocess.Popen(
                ["openssl", "s_client", "-connect", f"127.0.0.1:{self.place[1]}", "-tls1_3", "-quiet", "-no_ign_eof", "-CAfile",
                 self.stand.certificate],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as client:
            # K: this side's, and the other one's. A line that comes by itself is one to the program.
            for _ in range(20):
                client.stdin.write(b"K\n")
                time.sleep(0.02)
            client.stdin.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            said = b""
            while more := client.stdout.read(1 << 16):
                said += more
            client.stdin.close()
            self.assertIn(b"HTTP/1.1 200 OK", said)
            self.assertIn(b"KEYUPDATE", client.stderr.read())

    def test_whoever_signs_in_gets_a_cookie_for_tls(self):
        def sign_in(origin):
            body = f"token={self.tokens[0]}".encode()
            with self.connect() as connection:
                connection.sendall(
                    f"POST /sign-in HTTP/1.1\r\nHost: localhost:{self.place[1]}\r\nOrigin: {origin}\r\n"
                    f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
                answer = b""
                while more := connection.recv(1 << 16):
                    answer += more
                return answer.decode()

        answer = sign_in(f"https://localhost:{self.place[1]}")
        self.assertTrue(answer.startswith("HTTP/1.1 303 "), answer)
        self.assertRegex(answer, r"\r\nSet-Cookie: millrace_\d+=[0-9a-f]{64};[^\r]*; Secure\r\n")
        self.assertNotIn("Strict-Transport-Security", answer)
        self.assertIn('"foreign-origin"', sign_in(f"http://localhost:{self.place[1]}"))

    def test_whoever_goes_while_an_answer_comes_ends_nothing(self):
        for _ in range(50):
            connection = self.connect()
            connection.sendall(b"GET /assets/page.css HTTP/1.1\r\nHost: localhost\r\n\r\n")
            # A reset in the place of an end.
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

    def raw(self, data, pause=0.0, piece=None):
        """Sends bytes as they are, in pieces; what came back until the other side has ended."""
        with socket.create_connection(self.place, timeout=60) as connection:
            for start in range(0, len(data), piece or len(data)):
                try:
                    connection.sendall(data[start:start + (piece or len(data))])
                except OSError:
                    break  # It has answered already.
                time.sleep(pause)
            answer = b""
            with contextlib.suppress(ConnectionResetError):
                while more := connection.recv(1 << 16):
                    answer += more
            return answer

    def test_a_request_without_tls_is_told_so(self):
        for request in (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"P", b"POST / HTTP/1.1\r\n" + b"x" * 1_000_000):
            answer = self.raw(request)
            if len(request) < 1_000:
                self.assertTrue(answer.startswith(b"HTTP/1.1 400 Bad Request\r\n"), answer)
                self.assertIn(b'"code":"use-https"', answer)
            self.assertLess(len(answer), 500)

    def test_garbage_is_not_talked_to(self):
        chance = random.Random(test_attack.SEED)
        for first in (0, 5, 21, 22, 22, 22, 128, 255):
            answer = self.raw(bytes([first, 3, chance.randrange(5), 0, 100]) + chance.randbytes(300))
            # An alert of TLS, or nothing.
            self.assertTrue(answer == b"" or answer[0] == 21, answer)

    def test_hellos_that_are_changed_harm_nobody(self):
        chance = random.Random(test_attack.SEED + 1)
        end = time.monotonic() + self.seconds
        count = 0
        while time.monotonic() < end:
            maker = encrypted.Connection(self.place, self.context, shakes_hands=False)
            hello = bytearray(maker.hello())
            maker.close()
            for _ in range(chance.randrange(1, 4)):
                hello[chance.randrange(5, len(hello))] = chance.randrange(256)
            with socket.create_connection(self.place, timeout=60) as connection:
                connection.sendall(hello)
                connection.shutdown(socket.SHUT_WR)
                with contextlib.suppress(ConnectionResetError):
                    while connection.recv(1 << 16):
                        pass
            count += 1
        print(f"{count} changed hellos", file=sys.stderr)

    def test_a_handshake_may_be_slow_but_not_endless(self):
        # Whole, in single bytes.
        quick = encrypted.Connection(self.place, self.context, shakes_hands=False)
        for byte in quick.hello():
            quick.socket.sendall(bytes([byte]))
        quick.shake_hands()
        quick.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertTrue(quick.recv(100).startswith(b"HTTP/1.1 200 OK"))
        quick.close()
        # Longer than any connection lasts.
        slow = encrypted.Connection(self.place, self.context, shakes_hands=False)
        self.assertEqual(self.raw(slow.hello() + b"\0" * 1_000, pause=0.2, piece=4), b"")
        slow.close()

    def test_bodies_come_in_small_records_and_answers_are_taken_slowly(self):
        body = b"token=" + b"x" * 60_000
        with self.connect() as connection:
            connection.sendall(
                b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                + f"Content-Length: {len(body)}\r\n\r\n".encode())
            for start in range(0, len(body), 100):
                connection.sendall(body[start:start + 100])
            self.assertTrue(connection.recv(100).startswith(b"HTTP/1.1 401 "))
        with self.connect() as connection:
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b""
            while more := connection.recv(7):
                answer += more
        head, _, text = answer.partition(b"\r\n\r\n")
        self.assertIn(f"Content-Length: {len(text)}\r\n".encode(), head + b"\r\n")

    def test_noise_behind_a_handshake_ends_the_connection(self):
        for noise in (b"GET / HTTP/1.1\r\n\r\n", b"\x17\x03\x03\x00\x40" + b"\0" * 64, b"\x16\x03\x03\xff\xff" + b"\0" * 70_000):
            connection = self.connect()
            with contextlib.suppress(OSError):
                connection.socket.sendall(noise)
                while connection.socket.recv(1 << 16):
                    pass
            connection.close()

    def test_scans_fill_no_log(self):
        for _ in range(100):
            self.raw(b"\x16\x03\x01\x00\x04nope")
        said = [line for line in self.stand.log.read_text().splitlines() if "Handshakes have failed" in line]
        self.assertGreater(len(said), 0)
        self.assertLess(len(said), 20)
        self.assertTrue(all(" DEBUG " in line for line in said), said[:1])

    def test_memory_is_bounded(self):
        process = self.stand.server.pid
        before = anonymous_memory(process)
        connections = [self.connect() for _ in range(250)]
        for connection in connections:
            connection.send(b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n" + b"x" * 59_000)
        # As long as connections last: the most that it was.
        most, end = before, time.monotonic() + 8
        while time.monotonic() < end:
            most = max(most, anonymous_memory(process))
            time.sleep(0.05)
        grown = most - before
        for connection in connections:
            connection.close()
        print(f"250 connections with 59 kB each: {grown / 2**20:.1f} MiB more", file=sys.stderr)
        self.assertLess(grown, 64 << 20)

    def test_figures_say_when_the_certificate_ends(self):
        name = "millrace_certificate_end_timestamp_seconds"
        text = self.ask("/metrics").read().decode()
        shown = float(re.search(rf'^{name}{{daemon="[^"]+"}} (\S+)$', text, re.MULTILINE)[1])
        end = subprocess.run(
            ["openssl", "x509", "-in", self.stand.certificate, "-noout", "-enddate"], capture_output=True, text=True).stdout
        self.assertEqual(shown, ssl.cert_time_to_seconds(end.strip().partition("=")[2]))
        self.assertNotIn(name, self.stand.run("metrics"))

    def test_taps_go_by_tls(self):
        options = ("--listen", str(self.place[1]), "--token-file", self.stand.folder / "token")
        # The node is not there: that answer has come all the way.
        for certificate, words in ((self.stand.certificate, "has no node nothing"), (None, r"listens by TLS; give its certificate with --tls-certificate")):
            given = ("--tls-certificate", certificate) if certificate else ()
            done = self.stand.call("tap", "steady", "nothing", *options, *given)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, words)
        other, _ = services.make_certificate(self.stand.folder, "another")
        done = self.stand.call("tap", "steady", "nothing", *options, "--tls-certificate", other)
        self.assertRegex(done.stderr, r"nobody answers at https://127.0.0.1:\d+: it shows another certificate than")


@unittest.skipUnless(shutil.which("openssl"), "there is no openssl to make certificates with; apt-get install openssl")
class CertificateTests(unittest.TestCase):
    """Certificates that are wrong, that end, and that are renewed while the process goes on."""

    @classmethod
    def setUpClass(cls):
        test_attack.skip_what_cannot_run()
        cls.stand = services.Stand()
        cls.addClassCleanup(cls.stand.stop)

    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir=self.stand.folder)
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def make(self, name="site", **options):
        return services.make_certificate(self.folder, name, **options)

    def serve(self, *options):
        """A process of its own, its log, and its port."""
        log = self.folder / "log"
        process = self.stand.start(
            "serve", "--listen", "127.0.0.1:0", "--token-file", self.folder / "token", *options, log=log,
            environment=self.stand.environment)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        port = eventually(lambda: re.search(r"url=https://127\.0\.0\.1:(\d+)", log.read_text()), f"a listener: {log.read_text()}")
        return process, log, int(port[1])

    def refused(self, *options, **others):
        done = self.stand.call("serve", "--listen", "127.0.0.1:0", "--token-file", self.folder / "token", *options, **others)
        self.assertNotIn("Listening", done.stderr)
        return done.returncode, done.stdout + done.stderr

    def test_one_file_alone_is_refused(self):
        certificate, key = self.make()
        for given, missing, path in (("--tls-certificate", "--tls-key", certificate), ("--tls-key", "--tls-certificate", key)):
            code, text = self.refused(given, path)
            self.assertEqual(code, 64)
            self.assertIn(f"{given} is given without {missing}", text)
        done = self.stand.call("serve", "--tls-certificate", certificate, "--tls-key", key)
        self.assertIn("are for --listen, which is not given", done.stderr)

    def test_what_cannot_be_used_is_named(self):
        certificate, key = self.make()
        other, other_key = self.make("other")
        ended = self.folder / "ended.pem"
        request = self.folder / "request.pem"
        subprocess.run(["openssl", "req", "-new", "-key", key, "-subj", "/CN=old", "-out", request], check=True)
        subprocess.run(
            ["openssl", "x509", "-req", "-in", request, "-signkey", key, "-days", "-1", "-out", ended], check=True,
            capture_output=True)
        nowhere = self.folder / "nowhere.pem"
        for first, second, words in (
            (certificate, other_key, f"no TLS: {other_key}: this key is not the one of the first certificate in {certificate}"),
            (nowhere, key, f"no TLS: {nowhere}: No such file or directory"),
            (key, certificate, f"no TLS: {key}: found no certificate"),
            (ended, key, f"no TLS: {ended}: the certificate has ended at"),
            (self.folder, key, f"no TLS: {self.folder}: this is no file"),
        ):
            code, text = self.refused("--tls-certificate", first, "--tls-key", second)
            self.assertEqual(code, 1, text)
            self.assertIn(words, text)

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "only root can start it as somebody else")
    def test_a_key_that_cannot_be_read_is_named(self):
        certificate, key = self.make()
        self.folder.chmod(0o777)
        key.chmod(0o600)
        code, text = self.refused(
            "--tls-certificate", certificate, "--tls-key", key,
            prefix=("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"))
        self.assertEqual(code, 1, text)
        self.assertIn(f"no TLS: {key}: Permission denied for the user with the number 65534", text)

    def test_an_end_that_is_near_is_warned_of_once(self):
        certificate, key = self.make(days=5)
        key.chmod(0o644)
        _, log, port = self.serve("--tls-certificate", certificate, "--tls-key", key)
        eventually(lambda: "ends soon" in log.read_text(), "a warning")
        for _ in range(3):
            encrypted.Connection(("127.0.0.1", port), context(certificate)).close()
        warnings = [line for line in log.read_text().splitlines() if "WARNING" in line]
        self.assertEqual(len(warnings), 2, warnings)
        self.assertRegex(log.read_text(), r"WARNING Everybody on this machine can read a key; chmod o-r it")
        self.assertRegex(log.read_text(), r"WARNING The certificate ends soon; renew it.* days_left=[45]\n")

    def install(self, name):
        """Puts a pair in the place of the one in use, as certbot does: by a link that leads elsewhere."""
        for kind in ("pem", "key"):
            fresh = self.folder / f"link.{kind}.new"
            fresh.symlink_to(self.folder / f"{name}.{kind}")
            fresh.rename(self.folder / f"link.{kind}")

    def test_a_renewed_certificate_is_taken_up(self):
        first, _ = self.make("first")
        second, _ = self.make("second")
        self.install("first")
        process, log, port = self.serve(
            "--tls-certificate", self.folder / "link.pem", "--tls-key", self.folder / "link.key")
        place = ("127.0.0.1", port)

        def shows(certificate):
            try:
                encrypted.Connection(place, context(certificate)).close()
                return True
            except ssl.SSLCertVerificationError:
                return False

        self.assertTrue(shows(first))
        # The second file is another one's: the first pair stays, and that is said once.
        self.make("third")
        shutil.copy(self.folder / "second.pem", self.folder / "third.pem")
        self.install("third")
        eventually(lambda: shows(first) and "stays in use" in log.read_text(), "the broken pair to be said")
        self.assertEqual(log.read_text().count("stays in use"), 1)
        self.assertRegex(log.read_text(), "ERROR The renewed certificate cannot be used.*is not the one of")
        # A connection that is open goes on, as long as any does: it may take too long until the new pair is seen.
        for name, fresh, old in (("second", second, first), ("first", first, second)) * 5:
            begin = time.monotonic()
            connection = encrypted.Connection(place, context(old))
            connection.sendall(b"GET /health HTTP/1.1\r\n")
            self.install(name)
            eventually(lambda fresh=fresh: shows(fresh), "the renewed certificate")
            self.assertFalse(shows(old))
            if time.monotonic() - begin < 9:
                connection.sendall(b"Host: localhost\r\n\r\n")
                self.assertTrue(connection.recv(100).startswith(b"HTTP/1.1 200 OK"))
                connection.close()
                break
            connection.close()
        else:
            self.fail("no renewal was seen within 9 s")
        self.assertIn("NOTICE The certificate was renewed; new connections get it", log.read_text())
        self.assertEqual(log.read_text().count("stays in use"), 1)
        self.assertIsNone(process.poll())


if __name__ == "__main__":
    unittest.main()
