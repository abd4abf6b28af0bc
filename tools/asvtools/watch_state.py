"""What a watched unit last told, gathered from its events; times are the unit's own, so that no clock is compared."""

from typing import Any, Final

from asvunit.events import Event

# Events of which the last one is kept, by the name it is kept under
_LAST: Final = (
    "start", "ready", "system", "hmi", "self_test", "outputs", "own_message", "latency", "radio", "statistics", "scene",
)  # fmt: skip
_BY: Final = {"status": "input", "signal": "signal"}


class Watched:
    """`last` by kind of event, `inputs` and `signals` by their names; `t`: the unit's time when it last spoke."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Nothing has been told."""
        self.last: dict[str, Event] = {}
        self.inputs: dict[str, Event] = {}
        self.signals: dict[str, Event] = {}
        self.t = 0.0

    def take(self, event: Event) -> None:
        """Take an event over. A `start` begins anew: it is of another run."""
        kind = event["event"]
        if kind == "start":
            self.forget()
        if isinstance(event.get("t"), (int, float)):
            self.t = max(self.t, float(event["t"]))
        if kind in _LAST:
            self.last[kind] = event
        elif kind == "status":
            self.inputs[str(event.get("input"))] = event
        elif kind == "signal":
            self.signals[str(event.get("signal"))] = event

    def get(self, kind: str, key: str, otherwise: Any = None) -> Any:
        """A value of the last event of a kind."""
        return self.last.get(kind, {}).get(key, otherwise)

    def snapshot(self) -> dict[str, Any]:
        """All of it as one JSON object."""
        return {"t": self.t, **self.last, "inputs": self.inputs, "signals": self.signals}
