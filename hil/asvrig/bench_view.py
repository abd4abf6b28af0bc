"""What a test asks of a bench, in its own words: lamps and tones by name and time, frames by their values.

Whatever does not come is told with what came instead.
"""

import time
from collections.abc import Callable
from typing import Any, Final

from asvcore.elements import MESSAGE_BYTES
from asvrig.latency.light import LightChange, pattern
from asvrig.latency.probes import BUZZER, Probe, Seen
from asvrig.targets.target import Air, Heard, Sender
from asvunit.message import decode, encode, raw_from_values, values

_LATEST: Final = 8  # changes that a failure tells of


class NotSeen(AssertionError):
    """What was waited for did not come."""


class Pins:
    """The lamps and the buzzer of the unit; what a probe has besides is there too (`probe`)."""

    def __init__(self, probe: Probe) -> None:
        self.probe = probe

    @property
    def seen(self) -> list[Seen]:
        """All changes so far."""
        return self.probe.seen

    def skip(self) -> None:
        """What was seen so far is of no interest to the waits that follow."""
        self.probe.skip()

    def wait(self, wanted: Callable[[Seen], bool], until_ns: int) -> Seen | None:
        """The first change since `skip` that is so; None: it did not come by then."""
        return self.probe.wait(wanted, until_ns)

    def lit(self, lamp: str, within_s: float = 5.0) -> Seen:
        """The first lighting of a lamp since `skip`; NotSeen if it does not come."""
        __tracebackhide__ = True
        return self._first(f"{lamp} lit", within_s, lambda one: one.name == lamp and bool(one.value))

    def dark(self, lamp: str, within_s: float = 5.0) -> Seen:
        """The first time since `skip` that a lamp which was lit goes out; NotSeen if it does not come."""
        __tracebackhide__ = True
        known = self.seen  # with what was before `skip`

        def wanted(one: Seen) -> bool:
            if one.name != lamp:
                return False
            before = next((other.value for other in reversed(known) if _before(other, one)), 0)
            known.append(one)
            return not one.value and bool(before)

        return self._first(f"{lamp} dark", within_s, wanted)

    def tone(self, hz: int | None = None, within_s: float = 5.0) -> Seen:
        """The first tone since `skip`, of `hz` if that is given; NotSeen if it does not come."""
        __tracebackhide__ = True
        wanted = "a tone" if hz is None else f"a tone of {hz} Hz"
        return self._first(wanted, within_s, lambda one: one.name == BUZZER and one.hz > 0 and hz in (None, one.hz))

    def is_lit(self, lamp: str) -> bool:
        """By its last change."""
        return bool(next((one.value for one in reversed(self.seen) if one.name == lamp), 0))

    def pattern(self, lamp: str, since_ns: int, until_ns: int | None = None) -> str:
        """What a lamp did: "off", "steady", "caution" (200 ms lit and dark), "warning" (100 ms), "other"."""
        changes = [LightChange(one.t_ns, one.value) for one in self.seen if one.name == lamp and one.t_ns >= since_ns]
        return pattern(changes, time.monotonic_ns() if until_ns is None else until_ns)

    def _first(self, what: str, within_s: float, wanted: Callable[[Seen], bool]) -> Seen:
        __tracebackhide__ = True
        found = self.probe.wait(wanted, time.monotonic_ns() + round(within_s * 1e9))
        if found is None:
            raise NotSeen(f"{what}: not within {within_s:g} s; last seen: {self._told()}")
        return found

    def _told(self) -> str:
        latest = self.seen[-_LATEST:]
        each = (f"{one.hz} Hz" if one.hz else f"{one.name} {'lit' if one.value else 'dark'}" for one in latest)
        return ", ".join(each) or "nothing"


def _before(other: Seen, one: Seen) -> bool:
    return other.name == one.name and other.t_ns < one.t_ns


class RadioPeer:
    """Another vehicle's radio, and what it hears of the unit."""

    def __init__(self, air: Air, sender: Sender) -> None:
        self.air, self._sender = air, sender

    @property
    def source(self) -> str:
        """As the unit's events name it."""
        return self._sender.source

    @property
    def heard(self) -> list[Heard]:
        """The unit's frames since `clear`."""
        return self.air.heard

    def clear(self) -> None:
        """What was heard so far is forgotten."""
        self.air.clear()

    def send(self, frame: bytes | dict[str, Any]) -> None:
        """A frame: its bytes, or its values by the names of `asvkit decode`."""
        self._sender.send(frame if isinstance(frame, bytes) else encode(raw_from_values(frame)))

    def hear(self, within_s: float = 5.0, **told: Any) -> dict[str, Any]:
        """The values of the unit's first frame since `clear` that tells this; NotSeen if none comes."""
        __tracebackhide__ = True
        last: dict[str, Any] = {}

        def wanted(one: Heard) -> bool:
            last.clear()
            last.update(values_of(one))
            return bool(last) and all(last.get(key) == value for key, value in told.items())

        if self.air.wait(wanted, within_s) is None:
            asked = ", ".join(f"{key} = {value!r}" for key, value in told.items()) or "a frame"
            came = {key: last.get(key) for key in told} if last else "nothing"
            raise NotSeen(f"{asked}: not heard within {within_s:g} s; last heard: {came}")
        return dict(last)


def values_of(heard: Heard) -> dict[str, Any]:
    """What a frame tells, by the names of `asvkit decode`; empty for what is no frame."""
    try:
        return dict(values(decode(heard.payload[:MESSAGE_BYTES])))
    except ValueError:
        return {}
