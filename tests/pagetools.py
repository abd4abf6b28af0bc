"""A server of the screen's page for tests: the real files and headers, and messages that the test decides."""

import io
import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from asvunit.screen.files import page_files
from asvunit.screen.security import HEADERS

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
EVERY_S = 0.1
WAIT_MS = 15_000

# Contrast of each text that is seen against what is behind it, by the formula of WCAG 2; and what is cut off
MEASURE = """() => {
  const channel = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const parse = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return [n[0], n[1], n[2], n[3] ?? 1]; };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      const inside = style.backgroundImage.match(/rgba?\\([^)]*\\)/);
      if (inside) return parse(inside[0]);
      const found = parse(style.backgroundColor);
      if (found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const out = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), one = walker.currentNode.parentElement;
    if (!text || !one.checkVisibility() || one.closest('.unseen, script')) continue;
    const style = getComputedStyle(one), box = one.getBoundingClientRect();
    const [a, b] = [light(parse(style.color)), light(behind(one))];
    const range = document.createRange(); range.selectNodeContents(walker.currentNode);
    const drawn = range.getBoundingClientRect();
    out.push({ text, contrast: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), px: parseFloat(style.fontSize),
      banner: !!one.closest('.banner'), words: one.className === 'text',
      inside: drawn.left >= -0.5 && drawn.top >= -0.5 && drawn.right <= innerWidth + 0.5
        && drawn.bottom <= innerHeight + 0.5,
      inBanner: !one.closest('.banner') || (() => { const edge = one.closest('.banner').getBoundingClientRect();
        return drawn.left >= edge.left && drawn.right <= edge.right + 0.5 && drawn.bottom <= edge.bottom + 0.5; })() });
  }
  return out;
}"""


OLD = b"OLD_MS = 700;"


class PageServer:
    """Serves on a port of its own; `tell` gives what every page is told from now on, ten times a second."""

    def __init__(self) -> None:
        self.n = 0
        self.opened = 0  # websockets
        self.patient = True  # pages take a message for current while a busy machine comes to the next
        self.paths: list[str] = []
        self._change = threading.Condition()
        self._message: dict[str, Any] | None = None
        self._raw: list[str | bytes] = []
        self.sent_s: list[float] = []  # when, to any page
        self._sent = 0  # times that raw ones were given
        self._paused = False
        self._refuse: tuple[int, str] | None = None
        self._files = page_files()
        self._server = serve(self._follow, "127.0.0.1", 0, process_request=self._answer, compression=None)
        self.port = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def tell(self, message: dict[str, Any]) -> int:
        """From now on this; the number that shows that a page has drawn it."""
        with self._change:
            self._message, self._paused, self._refuse = message, False, None
            self.n += 1
            self._change.notify_all()
            return self.n

    def pause(self) -> None:
        """Nothing more is sent."""
        with self._change:
            self._paused = True

    def send(self, *raw: str | bytes) -> None:
        """These, as they are, and nothing else."""
        with self._change:
            self._raw, self._paused = list(raw), True
            self._sent += 1
            self._change.notify_all()

    def refuse(self, code: int, reason: str) -> None:
        """Closes every websocket, those that come too."""
        with self._change:
            self._refuse = code, reason
            self._change.notify_all()

    def close(self) -> None:
        self.refuse(1001, "")
        self._server.shutdown()
        self._thread.join(10)

    def _answer(self, _connection: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if path.startswith("/ws/"):
            return None
        body, kind = self._files.get(path, (b"not found\n", "text/plain"))
        if self.patient and path.endswith("/feed.js"):
            assert OLD in body
            body = body.replace(OLD, b"OLD_MS = 60000;")
        headers = Headers({name.decode(): value.decode() for name, value in HEADERS})
        headers.update({"Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close"})
        return Response(200 if path in self._files else 404, "", headers, body)

    def _follow(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        with self._change:
            self.opened += 1
            self.paths.append(socket.request.path)
            seen = self._sent
            while self._refuse is None:
                told: list[str | bytes] = []
                if not self._paused and self._message is not None:
                    self.n += 1
                    told = [json.dumps({**self._message, "n": self.n, "t": time.time()})]
                elif self._sent != seen:
                    told, seen = self._raw, self._sent  # every page gets them
                try:
                    for one in told:
                        socket.send(one)
                        self.sent_s.append(time.monotonic())
                except ConnectionClosed:
                    return
                self._change.wait_for(partial(self._news, self.n, seen), EVERY_S)
            code, reason = self._refuse or (1001, "")
        socket.close(code, reason)

    def _news(self, n: int, sent: int) -> bool:
        return self.n != n or self._sent != sent or self._refuse is not None


def needs_chromium() -> None:
    """Skips by name where there is no browser."""
    if shutil.which(CHROMIUM) is None:
        pytest.skip("needs chromium: apt install chromium")
    pytest.importorskip("playwright", reason="needs playwright: pip install -r requirements/dev.txt")


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless browser."""
    needs_chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Screen:
    """A page in the browser, and what it complained of."""

    def __init__(self, page: Any, server: PageServer) -> None:
        self.page, self.server = page, server
        self.complaints: list[str] = []
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda one: self.complaints.append(one.text) if one.type == "error" else None)

    def open(self, query: str = "", path: str = "/") -> None:
        self.page.goto(self.server.url(path + query))

    def see(self, message: dict[str, Any]) -> None:
        """Tell it, and wait until it is drawn."""
        n = self.server.tell(message)
        self.page.wait_for_function("n => Number(document.getElementById('view').dataset.n) >= n", arg=n)

    def banner(self) -> dict[str, Any]:
        """How it is drawn."""
        found: dict[str, Any] = self.page.evaluate(
            "() => { const b = document.getElementById('banner'), s = getComputedStyle(b);"
            " return { seen: b.checkVisibility(), colour: s.backgroundColor, level: b.dataset.level,"
            " arrows: [...b.querySelectorAll('.side')].filter((a) => getComputedStyle(a).visibility === 'visible')"
            " .map((a) => a.classList[1]), icon: b.querySelector('.icon')?.classList[1] ?? null }; }"
        )
        return found

    def image(self) -> Any:
        from PIL import Image

        return Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
