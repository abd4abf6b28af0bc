"""Why a CAN bus cannot be opened, or is lost: the reason in one word, and one line of what, where and the mend."""

import errno
from collections.abc import Iterator
from typing import Final

import can

from asvunit.canbus.interfaces import Adapter
from asvunit.device_access import access_mend

_REASONS: Final = {
    **dict.fromkeys((errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ENETDOWN, errno.EIO), "absent"),
    **dict.fromkeys((errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL), "absent"),
    **dict.fromkeys((errno.ECONNREFUSED, errno.ETIMEDOUT), "absent"),
    **dict.fromkeys((errno.EACCES, errno.EPERM), "no_permission"),
    **dict.fromkeys((errno.EBUSY, errno.EAGAIN, errno.EADDRINUSE), "in_use"),
}
_MENDS: Final = {
    "absent": "connect it; it is used as soon as it is there",
    "unplugged": "connect it again; it is used as soon as it is there",
    "no_permission": "run as a user who may open it",
    "in_use": "stop the other program that has it, or give another {key}.channel",
    "cannot_open": "look at {key}.interface, {key}.channel and {key}.options",
    "failing": "connect it again, or look at its driver; it is opened again and again",
    "bus_off": "look at bit rate, wiring and termination",
    "error_passive": "look at bit rate, wiring and termination",
    "silent_bus": "look at the cable, unless the car is switched off",
}
_STATES: Final = {
    "bus_off": "the controller has left the bus",
    "error_passive": "the controller sees errors and no frames",
}


class CanFaults:
    """Words for the faults of one bus. `device`: the path of a serial adapter, None for others."""

    def __init__(self, adapter: Adapter, device: str | None) -> None:
        self._adapter, self._device = adapter, device

    def explain(self, error: BaseException, connected: bool = False) -> tuple[str, str]:
        """Reason and detail of a link that such an error closed, or kept from opening."""
        interface = self._adapter.interface
        fault = os_error(error)
        number = fault.errno if fault else None
        reason = "unplugged" if connected else _REASONS.get(number or 0, "cannot_open")
        text = " ".join(((fault.strerror if fault else None) or str(error)).split())[:200].rstrip(".")
        what = text or type(error).__name__
        if isinstance(error, can.CanInterfaceNotImplementedError):
            return reason, self.detail(reason, what, "install what it needs")
        if reason == "cannot_open" and "library" in what.lower():
            return reason, self.detail(reason, what, "install its maker's driver, or use it as socketcan")
        if number == errno.EAFNOSUPPORT and interface == "socketcan":
            return reason, self.detail(reason, "this kernel has no CAN", "sudo modprobe can_raw")
        return reason, self.detail(reason, what)

    def failing(self, error: BaseException) -> str:
        """The detail of a driver of which every reading fails."""
        text = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
        return self.detail("failing", f"every reading fails: {text}")

    def state(self, state: str, silence_s: float) -> str:
        """The detail of a bus in such a state, by `state`."""
        return self.detail(state, _STATES.get(state) or f"no frame for {silence_s:g} s")

    def detail(self, reason: str, what: str, mend: str = "") -> str:
        return f"{self._adapter.interface} {self._adapter.channel}: {what}; {mend or self._mend(reason)}"

    def _mend(self, reason: str) -> str:
        adapter = self._adapter
        mend = _MENDS[reason].format(key=adapter.key)
        if adapter.interface == "socketcan":
            link = f"sudo ip link set {adapter.channel}"
            data = f" dbitrate {adapter.data_bitrate or 2_000_000} fd on" if adapter.fd else ""
            up = f"{link} up type can bitrate {adapter.bitrate or 500_000}{data}"
            if adapter.channel.startswith("vcan"):
                up = f"sudo ip link add {adapter.channel} type vcan; {link} up"
            restart = f"{mend}, then {link} type can restart; by itself it does where it was set up with restart-ms 100"
            return {"absent": up, "unplugged": up, "bus_off": restart}.get(reason, mend)
        if reason == "no_permission" and self._device is not None:
            return access_mend(self._device)
        return mend


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def os_error(error: BaseException) -> OSError | None:
    """The system's error behind what python-can or pyserial raised: the one with a number, if any has."""
    found = [each for each in _chain(error) if isinstance(each, OSError)]
    return next((each for each in found if each.errno is not None), found[0] if found else None)
