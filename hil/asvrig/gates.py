"""Gates on the ways into a unit: what is played passes them while they are open; receiver and adapter stay plugged."""

from typing import Final

from asvrig.targets.target import CanLine, Receiver, Sender, Target
from asvunit.errors import UsageError

GNSS, CAN, AIR = WAYS = ("gnss", "can", "air")
_NO_WAY: Final = f"no way into a unit; there is {', '.join(WAYS)}"


class Gates:
    """Those of one target, open. `receiver`, `can` and what `sender` gives stand for the target's own."""

    def __init__(self, target: Target) -> None:
        self._closed: set[str] = set()
        self._target = target
        self.receiver: Receiver = _Receiver(target.receiver, self._closed)
        self.can: CanLine = _Can(target.can, self._closed)

    def sender(self, number: int) -> Sender:
        """A vehicle's radio."""
        return _Air(self._target.air.sender(number), self._closed)

    def close(self, *ways: str) -> None:
        """Nothing passes; UsageError for what is no way."""
        self._closed |= self._known(ways)

    def open(self, *ways: str) -> None:
        """It passes again."""
        self._closed -= self._known(ways)

    @staticmethod
    def _known(ways: tuple[str, ...]) -> set[str]:
        for way in ways:
            if way not in WAYS:
                raise UsageError(f"{way!r}: {_NO_WAY}")
        return set(ways)


class _Receiver:
    def __init__(self, receiver: Receiver, closed: set[str]) -> None:
        self._receiver, self._closed = receiver, closed

    def write(self, data: bytes) -> None:
        if GNSS not in self._closed:
            self._receiver.write(data)

    def unplug(self) -> None:
        self._receiver.unplug()

    def plug(self) -> None:
        self._receiver.plug()


class _Can:
    def __init__(self, can: CanLine, closed: set[str]) -> None:
        self._can, self._closed = can, closed

    def send(self, identifier: int, extended: bool, data: bytes) -> None:
        if CAN not in self._closed:
            self._can.send(identifier, extended, data)

    def unplug(self) -> None:
        self._can.unplug()

    def plug(self) -> None:
        self._can.plug()


class _Air:
    def __init__(self, sender: Sender, closed: set[str]) -> None:
        self._sender, self._closed = sender, closed
        self.source = sender.source

    def send(self, payload: bytes) -> None:
        if AIR not in self._closed:
            self._sender.send(payload)

    def close(self) -> None:
        self._sender.close()
