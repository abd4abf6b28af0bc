"""The live CAN bus, on any interface of python-can: one thread opens, reads and decodes, and outlives every fault.

Nothing is ever sent, and with `listen_only` an adapter that can be told so does not even acknowledge frames.
SocketCAN's bit rate and listen-only mode are the system's: `ip link set can0 type can listen-only on`.
Options are the interface's own arguments, as python-can documents them. Two have other defaults here:
`sleep_after_open` of slcan is 0 (adapters with an Arduino's bootloader need python-can's 2 s), and `hop_limit` of
udp_multicast is 0: its frames stay on this machine.
"""

import errno
import fcntl
import logging
import os
import termios
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from time import monotonic, monotonic_ns, time
from types import MappingProxyType
from typing import Any, Final

import can

from asvunit.can_interfaces import SERIAL, SOCKET_LIKE, Option, arguments, check_arguments, open_bus
from asvunit.device_access import access_mend
from asvunit.errors import UsageError
from asvunit.ports import Delivery, Link, VehicleSignal
from asvunit.slcan_port import SlcanPort

STALE_S: Final = 0.5  # a frame that old is no news; a thread that stood still so long finds old frames
_REOPEN_S: Final = 0.5
_RECEIVE_S: Final = 0.2
_STOP_S: Final = 0.9
_DISCARD_S: Final = 0.1
_MAX_FAILURES: Final = 100  # reads that failed in a row: then the bus is opened anew
_BUS_OFF: Final = 0x40  # class of an error frame, in SocketCAN's identifiers
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
    "in_use": "stop the other program that has it, or give another can.channel",
    "cannot_open": "look at can.interface, can.channel and can.options",
    "bus_off": "look at bit rate, wiring and termination",
}

# What python-can's drivers log would go to stderr; here it is told by links and counted.
logging.getLogger("can").addHandler(logging.NullHandler())


def received_s(stamp_s: float, monotonic_s: float, realtime_s: float) -> float:
    """The monotonic time of a Unix time stamp, both clocks read now; within the last second however they stepped."""
    return min(max(monotonic_s - (realtime_s - stamp_s), monotonic_s - 1.0), monotonic_s)


class CanBus:
    """A live input (`ports.LiveInput`) of what `decode` makes of the frames with these (identifier, extended).

    Dropped frames by reason in `counters`: error_frame, remote_frame, stale (read too late), garbage (no frame);
    stale_flush counts the times that all waiting input was dropped because the thread had stood still.
    """

    def __init__(
        self,
        interface: str,
        channel: str,
        *,
        decode: Callable[[can.Message], list[VehicleSignal]],
        identifiers: Sequence[tuple[int, bool]],
        bitrate: int | None = None,
        listen_only: bool = True,
        options: Mapping[str, Option] = MappingProxyType({}),
        opener: Callable[..., can.BusABC] = open_bus,  # for tests: what this machine does not have
    ) -> None:
        self.counters: Counter[str] = Counter()
        self._interface, self._channel, self._bitrate = interface, channel, bitrate
        self._listen_only, self._options, self._opener = listen_only, dict(options), opener
        self._decode = decode
        self._wanted = frozenset(identifiers)
        self._socket_like = interface in SOCKET_LIKE
        path = channel.partition("@")[0] if interface == "slcan" else channel
        self._device = path if interface in SERIAL and "://" not in channel else None
        self._told = ""  # reason of the last link
        self._deliver: Delivery = lambda _record: None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def check(self) -> None:
        check_arguments(self._interface, self._bitrate, self._options)
        try:
            if self._device is not None:
                os.close(_claim(self._device))
            elif self._socket_like:
                _close(self._open_bus())
        except Exception as error:  # python-can's drivers raise whatever goes wrong in them
            reason, detail = self._explain(error)
            if reason != "absent":
                raise UsageError(f"can{'' if reason == 'cannot_open' else '.channel'}: {detail}") from error

    def start(self, deliver: Delivery) -> None:
        self.stop()
        self._deliver, self._told = deliver, ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(self._stopping,), name="can", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(_STOP_S)  # a driver that hangs is left to the end of the process

    def _run(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            with ExitStack() as stack:
                try:
                    bus = self._open(stack)
                except Exception as error:  # as in check()
                    self._tell(False, *self._explain(error))
                else:
                    self._read(bus, stopping)
            stopping.wait(_REOPEN_S)

    def _open_bus(self) -> can.BusABC:
        given = arguments(self._interface, self._bitrate, self._listen_only, self._options)
        return self._opener(self._interface, self._channel, **given)

    def _open(self, stack: ExitStack) -> can.BusABC:
        if self._device is not None:
            stack.callback(os.close, _claim(self._device))
        bus = self._open_bus()
        stack.callback(_close, bus)
        if self._interface == "slcan":
            port: Any = bus
            port.serialPortOrig = SlcanPort(port.serialPortOrig, self._wanted, self.counters)
        # Where no driver filters, python-can would in Python: slower than the set below, and error frames too.
        if type(bus)._apply_filters is not can.BusABC._apply_filters:
            bus.set_filters(
                [{"can_id": number, "can_mask": 0x1FFFFFFF if extended else 0x7FF, "extended": extended}
                 for number, extended in sorted(self._wanted)]
            )  # fmt: skip
        return bus

    def _read(self, bus: can.BusABC, stopping: threading.Event) -> None:
        """Until it is to stop, the device is lost, or nothing comes but failures."""
        connected, failures, last = False, 0, monotonic()
        while failures < _MAX_FAILURES and not stopping.is_set():
            message = None
            try:
                # The first one asks whether it works: SocketCAN opens an interface that is down.
                message = bus.recv(_RECEIVE_S if connected else 0)
                failures = 0
            except Exception as error:  # as in check(); slcan: ValueError and others for each broken line
                if _os_error(error) is not None:
                    _close_port(bus)
                    self._tell(False, *self._explain(error, connected))
                    return
                self.counters["garbage"] += 1
                failures += 1
            now = monotonic()
            if now - last > STALE_S and not self._socket_like:
                self.counters["stale_flush"] += 1
                _discard(bus)
                message, now = None, monotonic()
            last = now
            if not connected:
                connected = True
                self._connected()
            if message is not None:
                self._take(message)

    def _take(self, message: can.Message) -> None:
        if message.is_error_frame:
            self.counters["error_frame"] += 1
            if self._socket_like and message.arbitration_id & _BUS_OFF:
                self._tell(False, "bus_off", self._detail("bus_off", "the controller has left the bus"))
            return
        if message.is_remote_frame:
            self.counters["remote_frame"] += 1
            return
        if (message.arbitration_id, message.is_extended_id) not in self._wanted:
            return
        now = monotonic()
        message.timestamp = received_s(message.timestamp, now, time()) if self._socket_like else now
        if now - message.timestamp > STALE_S:
            self.counters["stale"] += 1
            return
        if self._told == "bus_off":
            self._connected()
        for signal in self._decode(message):
            self._deliver(signal)

    def _connected(self) -> None:
        self._tell(True, "connected", f"{self._interface} {self._channel}")

    def _tell(self, up: bool, reason: str, detail: str) -> None:
        if reason != self._told and (self._told, reason) != ("unplugged", "absent"):
            self._told = reason
            self._deliver(Link(monotonic_ns(), "can", up, reason, detail))

    def _explain(self, error: BaseException, connected: bool = False) -> tuple[str, str]:
        """Reason and detail of a link that such an error closed, or kept from opening."""
        fault = _os_error(error)
        number = fault.errno if fault else None
        reason = "unplugged" if connected else _REASONS.get(number or 0, "cannot_open")
        text = " ".join(((fault.strerror if fault else None) or str(error)).split())[:200].rstrip(".")
        what = text or type(error).__name__
        if isinstance(error, can.CanInterfaceNotImplementedError):
            return reason, self._detail(reason, what, "install what it needs")
        if number == errno.EAFNOSUPPORT and self._interface == "socketcan":
            return reason, self._detail(reason, "this kernel has no CAN", "sudo modprobe can_raw")
        return reason, self._detail(reason, what)

    def _detail(self, reason: str, what: str, mend: str = "") -> str:
        return f"{self._interface} {self._channel}: {what}; {mend or self._mend(reason)}"

    def _mend(self, reason: str) -> str:
        mend = _MENDS[reason]
        if self._interface == "socketcan":
            link = f"sudo ip link set {self._channel}"
            up = f"{link} up type can bitrate {self._bitrate or 500_000}"
            if self._channel.startswith("vcan"):
                up = f"sudo ip link add {self._channel} type vcan; {link} up"
            return {"absent": up, "unplugged": up, "bus_off": f"{mend}, then {link} type can restart"}.get(reason, mend)
        if reason == "no_permission" and self._device is not None:
            return access_mend(self._device)
        return mend


def _claim(path: str) -> int:
    """A serial device opened and locked: held for as long as its bus is open, it tells a second user of the device."""
    device = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        termios.tcgetattr(device)
        fcntl.flock(device, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (termios.error, OSError) as error:
        os.close(device)
        texts = {errno.ENOTTY: "is no serial device", errno.EAGAIN: "in use"}
        raise OSError(error.args[0], texts.get(error.args[0], error.args[1])) from None
    return device


def _close(bus: can.BusABC) -> None:
    with suppress(Exception):  # of a device that is gone
        bus.shutdown()
    _close_port(bus)


def _close_port(bus: can.BusABC) -> None:
    """Of slcan: nothing is written to a device that is gone, and its closing may fail before it closes the port."""
    port = getattr(bus, "serialPortOrig", None)
    if port is not None:
        with suppress(Exception):
            port.close()


def _discard(bus: can.BusABC) -> None:
    """Drops what waits to be read. A device that is gone is found by the next reading."""
    flush = getattr(bus, "flush", None)  # of slcan
    end = monotonic() + _DISCARD_S
    with suppress(Exception):
        if flush is not None:
            flush()
            return
        while monotonic() < end and bus.recv(0) is not None:
            pass


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _os_error(error: BaseException) -> OSError | None:
    """The system's error behind what python-can or pyserial raised: the one with a number, if any has."""
    found = [each for each in _chain(error) if isinstance(each, OSError)]
    return next((each for each in found if each.errno is not None), found[0] if found else None)
