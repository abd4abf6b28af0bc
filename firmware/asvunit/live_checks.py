"""What a live unit looks at once a second beside its loads: hints of the inputs, the system clock, the outputs."""

from typing import Final

from asvunit.input_states import InputStates
from asvunit.parts import Parts

CLOCK_STEP_NS: Final = 500_000_000


class LiveChecks:
    """Looks, and tells the states."""

    def __init__(self, states: InputStates, parts: Parts) -> None:
        self._states, self._inputs, self._presenter = states, parts.inputs, parts.presenter
        self._screen = parts.screen
        self._screen_down = ""
        self._publish = parts.publish
        self._unsigned: str | None = None

    def hints(self, epoch_s: float) -> None:
        """What a person should know of an input; a car's further buses, "can.body" say, are the input "can"."""
        hints: dict[str, str] = {}
        for name, one in self._inputs.items():
            port = name.partition(".")[0]
            hints[port] = hints.get(port) or str(getattr(one, "hint", ""))
        for name, text in hints.items():
            self._states.hint(name, text, epoch_s)

    def clock(self, step_ns: int, epoch_s: float) -> None:
        """`step_ns`: how far the system clock is now from the times of the events."""
        if abs(step_ns) > CLOCK_STEP_NS:
            detail = f"the system clock is {step_ns / 1e9:+.1f} s off the time of the events, which goes on evenly"
            self._states.state("clock", "implausible", "stepped", epoch_s, detail)
        else:
            self._states.state("clock", "ok", "steady", epoch_s)

    def screen(self) -> None:
        """Whether the web page is served."""
        self._screen_down = self._screen.check() if self._screen else ""

    def outputs(self, epoch_s: float) -> None:
        """Lamps, buzzer, screens."""
        down = self._presenter.down | ({"screen": self._screen_down} if self._screen_down else {})
        if not self._presenter.outputs and self._screen is None:
            self._states.state("hmi", "off", "not_configured", epoch_s)
        elif down:
            detail = "; ".join(f"{name}: {reason}" for name, reason in down.items())
            self._states.state("hmi", "disconnected", "cannot_show", epoch_s, detail)
        else:
            self._states.state("hmi", "ok", "showing", epoch_s)

    def signing(self, fault: str, epoch_s: float) -> None:
        """An emergency vehicle's frames: signed, or why they go out as an ordinary vehicle's; told at each change."""
        if fault == self._unsigned:
            return
        self._unsigned = fault
        self._states.remark("signing", f"emergency: {fault}" if fault else "")
        told = {"event": "signing", "signed": not fault, "reason": "no_clock" if fault else "signed", "detail": fault}
        self._publish({"t": epoch_s, **told, "cause": 0})
