"""The state of a CAN bus by its frames, its error frames, its controller and its silences: one word for it.

"" is a bus on which frames come, or may come; else "bus_off", "error_passive" or "silent_bus".
"""

from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import can

NETWORK: Final = Path("/sys/class/net")  # the system's interfaces
SILENCE_S: Final = 0.4
_PASSIVE_S: Final = 0.3  # an error-passive controller may still receive; without frames for so long it does not

# Classes of an error frame in SocketCAN's identifiers, and what byte 1 of a controller's says.
_CONTROLLER, _BUS_OFF, _RESTARTED = 0x004, 0x040, 0x100
_PASSIVE, _ACTIVE = 0x30, 0x40
# Only these are asked of the kernel: reports of single bus errors come by thousands, and say no more.
ERROR_CLASSES: Final = _CONTROLLER | _BUS_OFF | _RESTARTED
_SOL_CAN_RAW, _ERROR_FILTER = 101, 2  # of the kernel; not every Python knows them


def ask_for_errors(bus: can.BusABC) -> None:
    """Has SocketCAN deliver the error frames that tell a controller's state; others deliver what they do."""
    raw = getattr(bus, "socket", None)
    if raw is not None:
        with suppress(OSError):  # an old kernel's: then python-can's own choice stands, which is all of them
            raw.setsockopt(_SOL_CAN_RAW, _ERROR_FILTER, ERROR_CLASSES)


def error_state(message: can.Message) -> str:
    """What an error frame in SocketCAN's form says: "bus_off", "error_passive", "active", or "" for all else."""
    classes = message.arbitration_id
    if classes & _BUS_OFF:
        return "bus_off"
    if classes & _RESTARTED:
        return "active"
    if classes & _CONTROLLER and len(message.data) > 1:
        code = message.data[1]
        return "error_passive" if code & _PASSIVE else "active" if code & _ACTIVE else ""
    return ""


def controller_state(bus: can.BusABC, interface: str, channel: str) -> str:
    """ "bus_off" where system or driver say so without an error frame; else ""."""
    if interface == "socketcan":
        try:  # the kernel takes the carrier off a controller that is off the bus
            return "bus_off" if (NETWORK / channel / "carrier").read_text().strip() == "0" else ""
        except OSError:  # down, or gone: the next reading tells
            return ""
    try:
        state: Any = bus.state
    except Exception:  # a driver's own; what it cannot say is not known
        return ""
    return "bus_off" if state is can.BusState.ERROR else ""


class BusWatch:
    """Follows one open bus. Times are monotonic seconds."""

    def __init__(self, silence_s: float = SILENCE_S) -> None:
        self.state = ""
        self.silence_s = silence_s
        self._heard_s: float | None = None
        self._passive_s: float | None = None
        self._asked_off = False

    @property
    def ever_heard(self) -> bool:
        return self._heard_s is not None

    def heard(self, now_s: float) -> None:
        """A data frame of the bus came."""
        self._heard_s, self.state = now_s, ""

    def excuse(self, now_s: float) -> None:
        """Nobody listened until now: silences begin anew."""
        if self._heard_s is not None:
            self._heard_s = now_s

    def error(self, said: str, now_s: float) -> None:
        """An error frame, by `error_state`."""
        if said == "bus_off":
            self.state = said
        elif said == "error_passive":
            self._passive_s = now_s if self._passive_s is None else self._passive_s
        elif said == "active":
            self._passive_s = None
            self.state = self.state if self.state == "silent_bus" else ""

    def quiet(self, controller: str, now_s: float) -> None:
        """Nothing waits to be read, and the controller's state is this."""
        if controller == "bus_off":
            self.state, self._asked_off = "bus_off", True
            return
        if self._asked_off:
            self.state, self._asked_off = "", False
        if self.state == "bus_off":
            return
        if self._passive_s is not None and now_s - max(self._passive_s, self._heard_s or 0.0) >= _PASSIVE_S:
            self.state = "error_passive"
        elif self._heard_s is not None and now_s - self._heard_s >= self.silence_s:
            self.state = "silent_bus"
