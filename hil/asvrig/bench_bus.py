"""Buses of a bench, opened to send: only after listening has shown that nobody else is on them.

A bus with other senders may be a car's, and a car is never written to.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace

import can

from asvunit.canbus.faults import os_error
from asvunit.canbus.interfaces import Adapter, arguments, open_bus
from asvunit.errors import AsvkitError, UsageError

_NAMED = 6  # identifiers told of a bus that is not quiet
_SERIAL_TIMEOUT_S = 0.2  # an adapter that hangs must not hang the player
_PAUSE_S = 0.001  # after a failure: a driver that only fails must not take the machine
_READ_S = 0.01  # of a serial port, while listening; while playing, reading must not delay what is to be sent


@dataclass
class Heard:
    """What came in while listening."""

    seconds: float
    frames: Counter[str] = field(default_factory=Counter)  # by identifier, in hexadecimal
    errors: int = 0  # error frames, and what an adapter says that is no frame

    def told(self) -> str:
        """Identifiers and rate, for people; nothing for silence."""
        if not self.frames and not self.errors:
            return ""
        if not self.frames:
            return f"{self.errors} error frames or broken lines: others send, at another bit rate perhaps"
        total = sum(self.frames.values())
        named = ", ".join(name for name, _count in self.frames.most_common(_NAMED))
        more = f" and {len(self.frames) - _NAMED} more" if len(self.frames) > _NAMED else ""
        return f"{total / self.seconds:.0f} frames/s of others ({named}{more})"


def listen(bus: can.BusABC, seconds: float) -> Heard:
    """Take in all that comes for so long."""
    heard = Heard(seconds)
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        try:
            message = bus.recv(left)
        except Exception as error:  # python-can's drivers raise whatever a broken line makes them
            _pass_over(bus, error)
            heard.errors += 1
            continue
        if message is None:
            continue
        if message.is_error_frame:
            heard.errors += 1
        else:
            heard.frames[f"0x{message.arbitration_id:X}"] += 1
    return heard


@contextmanager
def bench_buses(adapters: Sequence[Adapter], listen_s: float) -> Iterator[list[can.BusABC]]:
    """The adapters' buses, to send on. AsvkitError if any of them is not quiet or does not open."""
    for adapter in adapters:
        with _opened(replace(adapter, listen_only=True)) as bus:
            told = listen(bus, listen_s).told()
        if told:
            raise AsvkitError(
                f"{adapter.interface} {adapter.channel}: {told}; this is no bench bus of your own, and a car is never "
                "written to: disconnect the others"
            )
    with ExitStack() as stack:
        yield [stack.enter_context(_opened(replace(adapter, listen_only=False))) for adapter in adapters]


def drain(bus: can.BusABC, at_most: int = 1000) -> list[int]:
    """Take what waits to be read, so that no queue grows: the identifiers."""
    heard: list[int] = []
    try:
        while len(heard) < at_most and (message := bus.recv(0)) is not None:
            heard.append(message.arbitration_id)
    except Exception:  # as in listen(); a bus that is gone is found by the next sending
        _forget_line(bus)
    return heard


def _pass_over(bus: can.BusABC, error: Exception) -> None:
    """What was no frame is left behind; AsvkitError if the bus itself is gone."""
    fault = os_error(error)
    if fault is not None and fault.errno is not None:
        raise AsvkitError(f"the bus is gone: {fault.strerror}; look at its adapter and repeat") from error
    _forget_line(bus)
    time.sleep(_PAUSE_S)


def _forget_line(bus: can.BusABC) -> None:
    """slcan keeps a line that it cannot read, and would fail at it for ever."""
    with suppress(Exception):  # of a device that is gone
        getattr(bus, "flush", bool)()


@contextmanager
def _opened(adapter: Adapter) -> Iterator[can.BusABC]:
    given = arguments(adapter)
    if adapter.interface == "slcan":
        given["timeout"] = _READ_S if adapter.listen_only else 0
    try:
        bus = open_bus(adapter.interface, adapter.channel, **given)
    except UsageError:
        raise
    except Exception as error:  # whatever a driver raises that finds no device
        text = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
        raise AsvkitError(
            f"{adapter.interface} {adapter.channel}: cannot be opened: {text}; look at channel and bitrate"
        ) from error
    port = getattr(bus, "serialPortOrig", None)  # of slcan
    if port is not None:
        port.write_timeout = _SERIAL_TIMEOUT_S
    try:
        yield bus
    finally:
        with suppress(Exception):  # of a device that is gone
            bus.shutdown()
        if port is not None:
            with suppress(Exception):
                port.close()
