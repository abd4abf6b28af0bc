"""What the inputs of a live unit had to drop, and whether it was for want of time: the states "overloaded"."""

from collections import Counter
from collections.abc import Callable
from typing import Final

from asvunit.inbox import Inbox
from asvunit.input_states import InputStates
from asvunit.ports import LiveInput, Radio

# Counters that grow where input had to be dropped for want of time
_OVERLOADS: Final = (
    ("radio", "overflow"),
    ("radio", "stale"),
    ("can", "stale"),
    ("can", "stale_flush"),
    ("gnss", "stale"),
    ("supports", "overflow"),
    ("supports", "stale"),
)


class Loads:
    """Looks at the counters of inputs, radio and inbox. `events_fault`: why events are not written, or ""."""

    def __init__(
        self, inputs: dict[str, LiveInput], radio: Radio | None, inbox: Inbox, events_fault: Callable[[], str]
    ) -> None:
        self._inputs, self._radio, self._inbox, self._events_fault = inputs, radio, inbox, events_fault
        self._dropped: Counter[str] = Counter()

    def counters(self) -> dict[str, Counter[str]]:
        """What was dropped, by input and reason."""
        out = {name: one.counters for name, one in self._inputs.items()}
        return out | ({"radio": self._radio.counters} if self._radio else {})

    def check(self, states: InputStates, epoch_s: float) -> None:
        """Tell who has lost input since the last look."""
        counters = self.counters()
        lost: dict[str, str] = dict.fromkeys([*(port.partition(".")[0] for port in counters), "unit"], "")
        seen: Counter[str] = Counter({"unit": self._inbox.lost})
        for name, reason in _OVERLOADS:
            # A car's further buses, "can.body" say, are the input "can" as well
            seen[name] += sum(counts[reason] for port, counts in counters.items() if port.partition(".")[0] == name)
        for name in lost:
            if seen[name] > self._dropped[name]:
                lost[name] = "input_lost"
        self._dropped = seen
        events_fault = self._events_fault()
        for name, reason in lost.items():
            if name == "unit" and events_fault and not reason:
                states.load(name, "events_not_written", epoch_s, events_fault)
            else:
                states.load(name, reason, epoch_s)
