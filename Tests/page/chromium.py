"""Drives a headless Chromium over its debugging pipe, with nothing but Python's own library.

The pipe carries DevTools messages, JSON with a null byte behind each: https://chromedevtools.github.io/devtools-protocol/.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome")


def program():
    """The path of a Chromium; None when there is none."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


class Failure(Exception):
    """The browser did not do what it was asked."""


class Browser:
    """A browser of its own, without a profile. To be closed, or used with `with`."""

    def __init__(self, patience=60):
        self.patience = patience
        self._folder = tempfile.mkdtemp(prefix="millrace-chromium-")
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()

        def connect():
            # The numbers that the browser expects; both may be one of the pipes' own.
            reading, writing = os.dup(theirs_in), os.dup(theirs_out)
            while reading < 5:
                reading = os.dup(reading)
            while writing < 5:
                writing = os.dup(writing)
            os.dup2(reading, 3)
            os.dup2(writing, 4)

        self._process = subprocess.Popen(
            [program(), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
             "--remote-debugging-pipe", f"--user-data-dir={self._folder}", "--no-first-run", "--lang=en-GB",
             "--disable-background-networking", "--disable-component-update", "about:blank"],
            preexec_fn=connect, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env={**os.environ, "TZ": "Europe/Berlin"})
        os.close(theirs_in)
        os.close(theirs_out)
        self._number = 0
        self._rest = b""
        self._answers = {}
        self.events = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._process.kill()
        self._process.wait()
        os.close(self._out)
        os.close(self._in)
        shutil.rmtree(self._folder, ignore_errors=True)

    def send(self, method, session=None, **parameters):
        """Sends a command, and returns what it answers."""
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        self.wait(lambda: number in self._answers, f"an answer to {method}")
        answer = self._answers.pop(number)
        if "error" in answer:
            raise Failure(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def wait(self, is_done, what):
        """Takes messages until something is the case."""
        end = time.monotonic() + self.patience
        while not is_done():
            if time.monotonic() > end:
                raise Failure(f"waited {self.patience} s for {what}")
            if select.select([self._in], [], [], 0.2)[0]:
                self._take(os.read(self._in, 1 << 20))

    def _take(self, data):
        if not data:
            raise Failure("the browser has ended")
        *messages, self._rest = (self._rest + data).split(b"\0")
        for message in map(json.loads, messages):
            if "id" in message:
                self._answers[message["id"]] = message
            else:
                self.events.append(message)

    def page(self, width=1280, height=900, dark=False, scripts=True):
        return Page(self, width, height, dark, scripts)


class Page:
    """A tab. What its console says and which requests fail is kept in `complaints`."""

    def __init__(self, browser, width, height, dark, scripts):
        self.browser = browser
        target = browser.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._send(f"{domain}.enable")
        self.look(width, height, dark)
        if not scripts:
            self._send("Emulation.setScriptExecutionDisabled", value=True)
        self._seen = len(browser.events)

    def _send(self, method, **parameters):
        return self.browser.send(method, self.session, **parameters)

    def trust_everything(self):
        """Takes certificates that nobody vouches for."""
        self._send("Security.setIgnoreCertificateErrors", ignore=True)

    def cookies(self):
        return self._send("Network.getCookies")["cookies"]

    def look(self, width, height=900, dark=False):
        """Has another size, and another wish for light or dark."""
        self._send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        wish = "dark" if dark else "light"
        self._send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": wish}])

    def go(self, address):
        """Loads a page, to its end."""
        start = len(self.browser.events)
        found = self._send("Page.navigate", url=address)
        if found.get("errorText"):
            raise Failure(f"{address}: {found['errorText']}")
        self.loaded(start)

    def loaded(self, start):
        """Waits until a page has been loaded since an event."""
        self.browser.wait(
            lambda: any(
                event["method"] == "Page.loadEventFired" and event.get("sessionId") == self.session
                for event in self.browser.events[start:]),
            "a page to load")

    def run(self, expression):
        """The value of an expression; of a promise, what it is kept with."""
        found = self._send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            details = found["exceptionDetails"]
            raise Failure(f"{expression}: {details.get('exception', {}).get('description', details['text'])}")
        return found["result"].get("value")

    def text(self, selector):
        """The text of the first element that a selector finds; None when there is none."""
        return self.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? null")

    def click(self, selector):
        """Clicks, and waits until the page that this leads to is loaded."""
        start = len(self.browser.events)
        self.run(f"document.querySelector({json.dumps(selector)}).click()")
        self.loaded(start)

    def fill(self, selector, text):
        self.run(f"document.querySelector({json.dumps(selector)}).value = {json.dumps(text)}")

    def eventually(self, expression, what):
        """Waits until an expression is true."""
        end = time.monotonic() + self.browser.patience
        while not self.run(expression):
            if time.monotonic() > end:
                raise Failure(f"waited for {what}: {self.text('main')}")
            time.sleep(0.1)

    def shoot(self, path, whole=True):
        """Writes what is seen to a PNG."""
        size = self._send("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 8000), "scale": 1}
        options = {"captureBeyondViewport": True, "clip": clip} if whole else {}
        data = self._send("Page.captureScreenshot", format="png", **options)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    @property
    def complaints(self):
        """Errors and warnings of the console, scripts that failed, and requests that did."""
        found = []
        for event in self.browser.events[self._seen:]:
            if event.get("sessionId") != self.session:
                continue
            details = event["params"]
            if event["method"] == "Runtime.exceptionThrown":
                found.append(details["exceptionDetails"]["text"])
            elif event["method"] == "Runtime.consoleAPICalled" and details["type"] in ("error", "warning"):
                found.append(str([one.get("value") for one in details["args"]]))
            elif event["method"] == "Log.entryAdded" and details["entry"]["level"] in ("error", "warning"):
                found.append(details["entry"]["text"] + " " + details["entry"].get("url", ""))
        return found
