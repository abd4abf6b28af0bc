"""The gallery as a show: every state of the page for a while, one after the other, in the place of a unit."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Final

from asvunit.screen.gallery import STATES, message
from asvunit.screen.messages import Messages

RATE_S: Final = 0.1  # as a unit's scenes


class GalleryShow:
    """Tells the messages of one state of the gallery, then of the next; begins again after the last."""

    why_gone: Final = ""  # the states that are gone say so themselves

    def __init__(self, seconds: float, now_s: Callable[[], float] = time.time) -> None:
        """`seconds`: how long a state is shown."""
        self._seconds, self._now_s = seconds, now_s
        self._began_s = now_s()
        self._n = 0

    @property
    def name(self) -> str:
        """Of the state that is shown now."""
        names = list(STATES)
        return names[int((self._now_s() - self._began_s) / self._seconds) % len(names)]

    def next_number(self) -> None:
        """The messages made from now on are newer ones."""
        self._n += 1

    def message(self, view: str) -> str:
        """The message of a view, one JSON text."""
        return json.dumps(message(self.name, self._n, self._now_s(), view), ensure_ascii=False)

    async def source(self, _messages: Messages, tell: Callable[[], None]) -> None:
        """Runs until cancelled."""
        while True:
            tell()
            await asyncio.sleep(RATE_S)
