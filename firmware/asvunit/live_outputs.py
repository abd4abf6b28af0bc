"""What a live unit shows, and what it tells of that: lamps and tone at each change, and how long each change took."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from asvunit.events import Event
from asvunit.input_states import InputStates
from asvunit.parts import Publish
from asvunit.presenter import Presenter
from asvunit.quantiles import Quantiles


class Cause(NamedTuple):
    """What is being dealt with, and when, by the monotonic clock."""

    kind: str
    stamp_ns: int  # the kernel's or the driver's; of a cycle, when it was due
    taken_ns: int  # by the loop
    parsed_ns: int | None = None  # a record was made of its bytes; None: there are none


class LiveOutputs:
    """Stands between the unit and its presenter. `presented`: from the cause's stamp to the pin written."""

    def __init__(
        self,
        presenter: Presenter,
        states: InputStates,
        publish: Publish,
        now_ns: Callable[[], int],
        epoch_s: Callable[[int], float],
    ) -> None:
        self.presented = Quantiles()
        self._presenter, self._states, self._publish = presenter, states, publish
        self._now_ns, self._epoch_s = now_ns, epoch_s
        self._system = self._system_told = (False, False, False)
        self._testing = False
        self._ledger: deque[Event | None] = deque()  # of what is shown and not yet told
        self._lit: tuple[frozenset[str], int] = (frozenset(), 0)  # lamps and tone as they were told

    def show(self, event: Event, cause: Cause, passed_ns: Sequence[int]) -> bool:
        """Shows what the driver is told from now on; False if an output could not.

        `passed_ns`: when the news passed the core's boundaries; those before it was taken up are of other news.
        """
        presenter = self._presenter
        commanded_ns = self._now_ns()
        presenter.hmi(event, commanded_ns)
        written_ns = self._now_ns()
        if presenter.down:
            self._ledger.append(None)
            return False
        self.presented.add_ns(written_ns - cause.stamp_ns)
        lit_ns, sounded_ns = (one if one >= commanded_ns else None for one in presenter.written_ns())
        decoded_ns, judged_ns, decided_ns = (one if one >= cause.taken_ns else None for one in passed_ns)
        passed = {
            "parsed": cause.parsed_ns,
            "taken": cause.taken_ns,
            "decoded": decoded_ns,
            "judged": judged_ns,
            "decided": decided_ns,
            "commanded": commanded_ns,
            "lit": lit_ns,
            "sounded": sounded_ns,
            "written": written_ns,
        }
        stamp_ns = cause.stamp_ns
        self._ledger.append(
            {
                "t": event["t"],
                "event": "latency",
                "level": event["level"],
                "function": event["function"],
                "cue": event["cue"],
                "input": cause.kind,
                "cause": event["cause"],
                "stamp_ns": stamp_ns,
                **{f"{name}_us": None if at is None else (at - stamp_ns) / 1000 for name, at in passed.items()},
            }
        )
        return True

    def hmi(self, event: Event) -> None:
        """Tells what was shown, and how long it took."""
        self._publish(event)
        now_ns = self._now_ns()
        self._end_test(now_ns)
        self.tell(now_ns)
        latency = self._ledger.popleft()
        if latency is not None:
            self._publish(latency)

    def self_test(self, now_ns: int) -> None:
        """All lamps and a short tone, so that the driver sees that they work."""
        self._presenter.self_test(now_ns)
        if self._presenter.testing:
            self._testing = True
            self._publish({"t": self._epoch_s(now_ns), "event": "self_test", "state": "begin"})
        self.tell(now_ns)

    def _end_test(self, now_ns: int) -> None:
        if self._testing and not self._presenter.testing:
            self._testing = False
            self._publish({"t": self._epoch_s(now_ns), "event": "self_test", "state": "end"})

    def system(self, event: Event) -> None:
        """The core's word on the unit itself."""
        self._system = (event["on"], event["receiving"], event["fault"])
        self.show_system(self._now_ns())

    def show_system(self, now_ns: int) -> None:
        """That word, and what the runtime knows of the devices."""
        on, receiving, fault = self._system
        fault = on and (fault or bool(self._states.disconnected))
        self._presenter.system(on, receiving, fault, now_ns)
        if self._system_told != (on, receiving, fault):
            self._system_told = (on, receiving, fault)
            told = {"event": "system", "on": on, "receiving": receiving, "fault": fault}
            self._publish({"t": self._epoch_s(now_ns), **told})
        self.tell(now_ns)

    def note(self) -> None:
        """What is wrong with the inputs, in words."""
        self._presenter.notes(self._states.notes(), self._now_ns())

    def tick(self, time_ns: int) -> None:
        """The patterns that are due by a time."""
        due_ns = self._presenter.due_ns()
        if due_ns is not None and due_ns <= time_ns:
            self._presenter.tick(time_ns)
            self._end_test(time_ns)
            self.tell(time_ns)

    def dark(self, now_ns: int) -> None:
        """Lamps off and silent, and told so."""
        self._presenter.dark(now_ns)
        self._end_test(now_ns)
        self.tell(now_ns)

    def tell(self, time_ns: int) -> None:
        """Tell what is lit and sounds, if that has changed."""
        shown = self._presenter.shown
        if self._lit != (shown.lamps, shown.tone_hz):
            self._lit = (shown.lamps, shown.tone_hz)
            told = {"event": "outputs", "lamps": sorted(shown.lamps), "tone_hz": shown.tone_hz}
            self._publish({"t": self._epoch_s(time_ns), **told})
