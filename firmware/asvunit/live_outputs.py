"""What a live unit shows, and what it tells of that: lamps and tone at each change, and how long each change took."""

from collections.abc import Callable
from typing import NamedTuple

from asvunit.events import Event
from asvunit.input_states import InputStates
from asvunit.parts import Publish
from asvunit.presenter import Presenter
from asvunit.quantiles import Quantiles


class Cause(NamedTuple):
    """What is being dealt with: its kind, its stamp, and when it was taken up, both of the monotonic clock."""

    kind: str
    stamp_ns: int
    taken_ns: int


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
        self._lit: tuple[frozenset[str], int] = (frozenset(), 0)  # lamps and tone as they were told

    def hmi(self, event: Event, cause: Cause) -> bool:
        """Shows what the driver is told from now on; False if an output could not."""
        decided_ns = self._now_ns()
        self._presenter.hmi(event, decided_ns)
        written_ns = self._now_ns()
        self._publish(event)
        if self._presenter.down:
            return False
        self.tell(written_ns)
        self.presented.add_ns(written_ns - cause.stamp_ns)
        self._publish(
            {
                "t": event["t"],
                "event": "latency",
                "level": event["level"],
                "input": cause.kind,
                "cause": event["cause"],
                "stamp_ns": cause.stamp_ns,
                "taken_us": (cause.taken_ns - cause.stamp_ns) / 1000,
                "decided_us": (decided_ns - cause.stamp_ns) / 1000,
                "written_us": (written_ns - cause.stamp_ns) / 1000,
            }
        )
        return True

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
            self.tell(time_ns)

    def dark(self, now_ns: int) -> None:
        """Lamps off and silent, and told so."""
        self._presenter.dark(now_ns)
        self.tell(now_ns)

    def tell(self, time_ns: int) -> None:
        """Tell what is lit and sounds, if that has changed."""
        shown = self._presenter.shown
        if self._lit != (shown.lamps, shown.tone_hz):
            self._lit = (shown.lamps, shown.tone_hz)
            told = {"event": "outputs", "lamps": sorted(shown.lamps), "tone_hz": shown.tone_hz}
            self._publish({"t": self._epoch_s(time_ns), **told})
