"""What the inputs of a live unit had to drop, and whether it was too much for it: the states "overloaded"."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from asvunit.events import Event
from asvunit.input_states import InputStates
from asvunit.parts import Parts

FLOOD_A_SECOND: Final = 1000  # frames that no unit sends: more is a flood
# Counters that grow where input had to be dropped for want of time
_OVERLOADS: Final = (
    ("radio", "overflow"),
    ("radio", "stale"),
    ("radio", "shed"),
    ("can", "stale"),
    ("can", "stale_flush"),
    ("gnss", "stale"),
    ("supports", "overflow"),
    ("supports", "stale"),
)
_NOISE: Final = ("length", "version")


class Loads:
    """Looks at the counters of inputs, radio and inbox, and at what is to be written."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._dropped: Counter[str] = Counter()
        self._by_core: Counter[str] = Counter()  # drop events by reason
        self._crowd = _Rising()
        self._noise = _Rising()
        self._overtaken = _Rising()

    def told(self, event: Event) -> None:
        """An event of the core: who gave way in a full table is dropped like who found no room."""
        if event["event"] == "drop" or event["reason"] == "table_full":
            self._by_core[event["reason"]] += 1

    def counters(self) -> dict[str, Counter[str]]:
        """What was dropped, by input and reason; of the radio that which the core dropped too."""
        out = {name: one.counters for name, one in self._parts.inputs.items()}
        radio = self._parts.radio
        return out | ({"radio": radio.counters + self._by_core} if radio else {})

    def check(self, states: InputStates, epoch_s: float) -> None:
        """Tell who has lost input since the last look."""
        counters = self.counters()
        lost: dict[str, tuple[str, str]] = dict.fromkeys(
            [*(port.partition(".")[0] for port in counters), "unit"], ("", "")
        )
        seen: Counter[str] = Counter({"unit": self._parts.inbox.lost})
        for name, reason in _OVERLOADS:
            # A car's further buses, "can.body" say, are the input "can" as well
            seen[name] += sum(counts[reason] for port, counts in counters.items() if port.partition(".")[0] == name)
        if "radio" in counters:
            lost["radio"] = self._crowded(counters["radio"])
        for name in lost:
            if seen[name] > self._dropped[name]:
                lost[name] = "input_lost", ""
        self._dropped = seen
        if not lost["unit"][0]:
            lost["unit"] = self._unwritten()
        for name, (reason, detail) in lost.items():
            states.load(name, reason, epoch_s, detail)

    def _unwritten(self) -> tuple[str, str]:
        """What a disk does not take."""
        events, recorder = self._parts.events_fault(), self._parts.recorder
        if events:
            return "events_not_written", events
        session = self._parts.session
        if session and session.fault:
            return "session_not_written", session.fault
        return ("capture_not_written", recorder.fault) if recorder and recorder.fault else ("", "")

    def _crowded(self, counts: Counter[str]) -> tuple[str, str]:
        """Whether more is on the air than a unit is made for, though nothing was lost for want of time."""
        crowd = self._crowd.by((counts["table_full"],))
        noise = self._noise.by(counts[reason] for reason in _NOISE)
        overtaken = self._overtaken.by((counts["superseded"],))
        if crowd:
            return "table_full", "more vehicles than neighbours.capacity: those that matter most are followed"
        if noise >= FLOOD_A_SECOND:
            return "flooded", f"{noise} frames in the last second that no unit sends"
        if overtaken >= FLOOD_A_SECOND:
            return "flooded", f"{overtaken} frames in the last second that newer ones of their vehicles overtook"
        return "", ""


class _Rising:
    """By how much a sum of counters has grown since it was last asked."""

    def __init__(self) -> None:
        self._last = 0

    def by(self, counts: Iterable[int]) -> int:
        total = sum(counts)
        grown, self._last = total - self._last, total
        return grown
