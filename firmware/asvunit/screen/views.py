"""Hands messages to the browsers that look: each gets the newest when it can take one, the older are never kept.

A browser that takes nothing for two seconds is dropped; it costs one message's bytes until then, and no other waits.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Final, Protocol

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

STALLED_S: Final = 2.0  # until one that does not read is dropped
GONE_S: Final = 0.25  # how often it is told that the unit is gone
LEAVING_S: Final = 0.5  # for the last word to be taken
CLOSE_TOO_MANY, CLOSE_LEAVING, CLOSE_READ_ONLY = 1013, 1001, 1008  # RFC 6455 7.4.1, IANA


class Teller(Protocol):
    """What there is to tell: `Messages`, or what stands in for a unit."""

    @property
    def why_gone(self) -> str: ...

    def next_number(self) -> None: ...

    def message(self, view: str) -> str: ...


class _Browser:
    def __init__(self, socket: WebSocket, view: str) -> None:
        self.socket = socket
        self.view = view
        self.newer = asyncio.Event()
        self.newer.set()  # the state first
        self.idle = asyncio.Event()
        self.left = False

    def heard(self, _task: "asyncio.Task[bool]") -> None:
        self.left = True
        self.newer.set()


class Views:
    """All browsers that look. `tell()` at each change; `leave()` once at the end."""

    def __init__(self, messages: Teller, most: int, look: Callable[[int], None] | None = None) -> None:
        """`look` is told how many browsers look, at each change."""
        self.counters: Counter[str] = Counter()  # browsers by what happened to them
        self._messages, self._most = messages, most
        self._browsers: set[_Browser] = set()
        self._texts: dict[str, str] = {}  # of now, by view
        self._leaving = False
        self._look = look or (lambda _lookers: None)

    def __len__(self) -> int:
        return len(self._browsers)

    def tell(self) -> None:
        """There is something newer to tell."""
        self._messages.next_number()
        self._texts.clear()
        for browser in self._browsers:
            browser.newer.set()
            browser.idle.clear()

    async def watch(self) -> None:
        """Tells, again and again, that the unit is gone while it is; runs until cancelled."""
        while True:
            await asyncio.sleep(GONE_S)
            if self._messages.why_gone:
                self.tell()

    async def leave(self) -> None:
        """The last word to all, and good bye."""
        self.tell()
        waiting = [asyncio.create_task(browser.idle.wait()) for browser in self._browsers]
        if waiting:
            _done, late = await asyncio.wait(waiting, timeout=LEAVING_S)
            for task in late:
                task.cancel()
        self._leaving = True
        for browser in self._browsers:
            browser.newer.set()

    async def serve(self, socket: WebSocket, view: str) -> None:
        """One browser, from its coming to its going."""
        await socket.accept()
        if len(self._browsers) >= self._most:
            self.counters["too_many"] += 1
            await socket.close(CLOSE_TOO_MANY, "too many screens")
            return
        browser = _Browser(socket, view)
        self._browsers.add(browser)
        self._look(len(self._browsers))
        listening = asyncio.create_task(_spoke(socket))
        listening.add_done_callback(browser.heard)
        try:
            await self._feed(browser)
            if listening.done() and not listening.cancelled() and listening.result():
                self.counters["spoke"] += 1
                await self._close(socket, CLOSE_READ_ONLY, "read only")
            elif self._leaving:
                await self._close(socket, CLOSE_LEAVING, "the screen ends")
        except TimeoutError:
            self.counters["does_not_read"] += 1
            socket.scope["state"]["cut_off"]()
        except WebSocketDisconnect:
            pass
        finally:
            self._browsers.discard(browser)
            self._look(len(self._browsers))
            browser.idle.set()
            listening.cancel()

    async def _feed(self, browser: _Browser) -> None:
        while not browser.left and not self._leaving:
            browser.newer.clear()
            async with asyncio.timeout(STALLED_S):
                await browser.socket.send_text(self._text(browser.view))
            if not browser.newer.is_set():
                browser.idle.set()
                await browser.newer.wait()

    def _text(self, view: str) -> str:
        text = self._texts.get(view)
        if text is None:
            text = self._texts[view] = self._messages.message(view)
        return text

    async def _close(self, socket: WebSocket, code: int, word: str) -> None:
        if socket.application_state is WebSocketState.CONNECTED and socket.client_state is WebSocketState.CONNECTED:
            async with asyncio.timeout(STALLED_S):
                await socket.close(code, word)


async def _spoke(socket: WebSocket) -> bool:
    """Waits for what a browser says; True: something, where it has nothing to say; False: it went."""
    try:
        return bool((await socket.receive())["type"] == "websocket.receive")
    except RuntimeError:  # it went before
        return False
