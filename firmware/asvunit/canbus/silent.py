"""Listening without a sound on slcan adapters that do not know `L`: CANable's firmware has `M1` before `O` instead.

That firmware answers no command but `V`, its version, and stays closed at an `L`: no frame would come, and a car's bus
would seem quiet. It keeps the mode until it is unplugged, so that `M0` must undo it.
"""

from collections.abc import Callable
from time import monotonic
from typing import Any, Final

_ANSWER_S: Final = 0.1  # adapters answer within milliseconds
_READ_S: Final = 0.01
_READ_BYTES: Final = 4096
_REFUSED: Final = b"\a"
_FIRMWARES: Final = (b"canable",)  # what the version names: the place of its source


def settle_mode(bus: Any, listen_only: bool) -> None:
    """Has the open `slcanBus` listen, or acknowledge as well, whichever of the two languages its adapter speaks."""
    port = bus.serialPortOrig
    timeout_s, port.timeout = port.timeout, _READ_S
    try:
        if _heard(port, _is_answered):
            return
        _say(port, b"C", b"V")
        if _heard(port, _is_mute_firmware):
            _say(port, b"M1" if listen_only else b"M0", b"O")
        else:
            bus.open()
    finally:
        port.timeout = timeout_s


def _say(port: Any, *commands: bytes) -> None:
    for command in commands:
        port.write(command + b"\r")
    port.flush()


def _heard(port: Any, tells: Callable[[bytes], bool]) -> bool:
    """Whether what comes in within an answer's time tells it."""
    data, end_s = b"", monotonic() + _ANSWER_S
    while monotonic() < end_s:
        data += port.read(max(1, min(port.in_waiting, _READ_BYTES)))
        if tells(data):
            return True
    return False


def _is_answered(data: bytes) -> bool:
    """An answer among frames: an empty line, or a refusal."""
    return _REFUSED in data or b"" in data.split(b"\r")[:-1]


def _is_mute_firmware(data: bytes) -> bool:
    return any(each in data.lower() for each in _FIRMWARES)
