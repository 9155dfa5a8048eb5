"""A headless Chromium, asked through a pipe: what a page looks like, what it says on the console, and what it
asks the network for."""

import base64
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading


class Browser:
    """A running Chromium, in a profile of its own. Nothing that it asks for by name is found."""

    def __init__(self):
        program = shutil.which("chromium") or shutil.which("google-chrome")
        assert program, "there is no Chromium: tests/setup.sh test installs it"
        self._profile = tempfile.mkdtemp(prefix="lizsync-browser-")
        # Chromium reads commands from 3 and writes answers to 4.
        self._answers, answers = os.pipe()
        commands, self._commands = os.pipe()

        def descriptors():
            # Neither may be in the way of the other.
            read, write = os.dup(commands), os.dup(answers)
            os.dup2(read, 3)
            os.dup2(write, 4)
            os.set_inheritable(3, True)
            os.set_inheritable(4, True)

        options = [
            "--headless=new",
            "--remote-debugging-pipe",
            f"--user-data-dir={self._profile}",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--hide-scrollbars",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "about:blank",
        ]
        self._process = subprocess.Popen(
            [program, *options],
            preexec_fn=descriptors,  # noqa: PLW1509
            close_fds=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        # What hangs is ended; reading from the pipe then says so.
        self._watchdog = threading.Timer(120, self._process.kill)
        self._watchdog.start()
        self._rest = b""
        self._number = 0
        self._session = None
        self.events = []

    def __enter__(self):
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        return self

    def __exit__(self, *_):
        self._watchdog.cancel()
        self._process.kill()
        self._process.wait()
        os.close(self._commands)
        os.close(self._answers)
        shutil.rmtree(self._profile, ignore_errors=True)

    def ask(self, method, **parameters):
        """Sends a command; returns its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return answer["result"]
            self.events.append(answer)

    def _read(self):
        while b"\0" not in self._rest:
            part = os.read(self._answers, 1 << 16)
            assert part, "Chromium has ended"
            self._rest += part
        text, self._rest = self._rest.split(b"\0", 1)
        return json.loads(text)

    def wait(self, method):
        """Returns when an event of that name has come."""
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self._read())

    def open(self, page, width, height=900, dark=False, paper=False):
        """Opens a file, as on a screen of that width; a narrow one is a phone."""
        phone = width < 600
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", media="print" if paper else "", features=[scheme])
        self.events.clear()
        self.ask("Page.navigate", url=pathlib.Path(page).resolve().as_uri())
        self.wait("Page.loadEventFired")

    def value(self, expression):
        """The value of a JavaScript expression; the page itself needs no JavaScript."""
        return self.ask("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def picture(self, file, whole=True, height=None):
        """Saves a picture of the page, as PNG; of all of it, or of its beginning."""
        options = {"format": "png"}
        if whole:
            size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"x": 0, "y": 0, "width": size["width"], "height": height or size["height"], "scale": 1}
            options.update(clip=clip, captureBeyondViewport=True)
        data = self.ask("Page.captureScreenshot", **options)["data"]
        pathlib.Path(file).write_bytes(base64.b64decode(data))

    def console(self):
        """What was said on the console, and logged by the browser."""
        names = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [event for event in self.events if event.get("method") in names]

    def requests(self):
        """The addresses that were asked for."""
        sent = [event for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]
