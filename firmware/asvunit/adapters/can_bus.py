"""The live CAN bus, on any interface of python-can: one thread opens, reads and decodes, and outlives every fault.

Nothing is ever sent: the opened bus is made unable to. With `listen_only` an adapter that can be told so does not even
acknowledge frames; SocketCAN's bit rates and listen-only mode are the system's:
`ip link set can0 type can listen-only on`.
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
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from time import monotonic, monotonic_ns, time
from types import MappingProxyType
from typing import Any, Final

import can

from asvunit.canbus.faults import CanFaults, os_error
from asvunit.canbus.filters import Wanted, as_filter, frames
from asvunit.canbus.interfaces import (
    SERIAL,
    SOCKET_LIKE,
    Adapter,
    Option,
    arguments,
    check_arguments,
    close_bus,
    close_port,
    filter_frames,
    forbid_sending,
    open_bus,
)
from asvunit.canbus.reader import BusReader, CanReader
from asvunit.canbus.slcan_port import SlcanReader
from asvunit.canbus.state import SILENCE_S, BusWatch, ask_for_errors, controller_state, error_state
from asvunit.errors import UsageError
from asvunit.ports import Delivery, Link, VehicleSignal

STALE_S: Final = 0.5  # a frame that old is no news; a thread that stood still so long finds old frames
_REOPEN_S: Final = 0.5
_RECEIVE_S: Final = 0.05  # with the silence of a bus, less than 500 ms
_STOP_S: Final = 0.9
_HINT_S: Final = 1.0
_MAX_FAILURES: Final = 100  # reads that failed in a row, or
_FAILING_S: Final = 0.3  # for so long: then the bus is opened anew

# What python-can's drivers log would go to stderr; here it is told by links and counted.
logging.getLogger("can").addHandler(logging.NullHandler())


def received_s(stamp_s: float, monotonic_s: float, realtime_s: float) -> float:
    """The monotonic time of a Unix time stamp, both clocks read now; within the last second however they stepped."""
    return min(max(monotonic_s - (realtime_s - stamp_s), monotonic_s - 1.0), monotonic_s)


class CanBus:
    """A live input (`ports.LiveInput`) of what `decode` makes of the frames with these (identifier, extended),
    or that pass these `filters.Filter`s.

    `bus` and `name`: of several buses of a car, index and name in its signal map; `decode` is then called with the
    index, and links are of the port "can.NAME". `silence_s`: without any frame for so long the bus is told silent.
    Dropped frames by reason in `counters`: error_frame, remote_frame, stale (read too late), garbage (no frame);
    stale_flush counts the times that all waiting input was dropped because the thread had stood still.
    """

    def __init__(
        self,
        interface: str,
        channel: str,
        *,
        decode: Callable[..., list[VehicleSignal]],
        identifiers: Sequence[Wanted],
        bus: int = 0,
        name: str = "",
        key: str = "can",
        bitrate: int | None = None,
        fd: bool = False,
        data_bitrate: int | None = None,
        listen_only: bool = True,
        options: Mapping[str, Option] = MappingProxyType({}),
        silence_s: float = SILENCE_S,
        counters: Counter[str] | None = None,
        tap: Callable[[can.Message], None] | None = None,
        tap_all: bool = False,
        opener: Callable[..., can.BusABC] = open_bus,  # for tests: what this machine does not have
    ) -> None:
        """`tap` gets the frames of use as they come, their times the monotonic clock's; with `tap_all` all others."""
        self.counters: Counter[str] = Counter() if counters is None else counters
        self.port = f"can.{name}" if name else "can"
        self._adapter = Adapter(interface, channel, bitrate, fd, data_bitrate, listen_only, dict(options), key)
        self._opener, self._silence_s = opener, silence_s
        self._decode = partial(decode, bus=bus) if bus else decode
        self._wanted = frozenset(map(as_filter, identifiers))
        self._tap, self._tap_all = tap, tap_all
        self._of_use = frames(self._wanted)
        self._socket_like = interface in SOCKET_LIKE
        path = channel.partition("@")[0] if interface == "slcan" else channel
        self._device = path if interface in SERIAL and "://" not in channel else None
        self._faults = CanFaults(self._adapter, self._device)
        self._watch = BusWatch(silence_s)
        self._told = ""  # reason of the last link
        self._useful_s = 0.0  # when the last frame of use came
        self._deliver: Delivery = lambda _record: None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def check(self) -> None:
        check_arguments(self._adapter)
        try:
            if self._device is not None:
                os.close(_claim(self._device))
            elif self._socket_like:
                close_bus(self._open_bus())
        except Exception as error:  # python-can's drivers raise whatever goes wrong in them
            reason, detail = self._faults.explain(error)
            if reason != "absent":
                key = self._adapter.key + ("" if reason == "cannot_open" else ".channel")
                raise UsageError(f"{key}: {detail}") from error

    @property
    def hint(self) -> str:
        """What to look at when the bus is open, but nothing of use comes."""
        if self._told != "connected" or monotonic() - self._useful_s < _HINT_S:
            return ""
        if self._watch.ever_heard:
            return "frames come, but none of the signal map's: is this the map's car, and the right bus of it?"
        return "no frame of the signal map's yet: look at bit rate and cable, unless the car is switched off"

    def start(self, deliver: Delivery) -> None:
        self.stop()
        self._deliver, self._told = deliver, ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(self._stopping,), name=self.port, daemon=True)
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
                    bus, reader = self._open(stack)
                except Exception as error:  # as in check()
                    self._tell(False, *self._faults.explain(error))
                else:
                    self._read(bus, reader, stopping)
            stopping.wait(_REOPEN_S)

    # The bus

    def _open_bus(self) -> can.BusABC:
        adapter = self._adapter
        return self._opener(adapter.interface, adapter.channel, **arguments(adapter))

    def _open(self, stack: ExitStack) -> tuple[can.BusABC, CanReader]:
        if self._device is not None:
            stack.callback(os.close, _claim(self._device))
        bus = self._open_bus()
        stack.callback(close_bus, bus)
        forbid_sending(bus)
        self._watch = BusWatch(self._silence_s)
        if self._adapter.interface == "slcan":
            port: Any = bus
            return bus, SlcanReader(port.serialPortOrig, self._wanted, self.counters, every=self._tap_all)
        if not self._tap_all:
            filter_frames(bus, sorted(self._wanted))
        if self._adapter.interface == "socketcan":
            ask_for_errors(bus)
        return bus, BusReader(bus, self._wanted, every=self._tap_all)

    def _read(self, bus: can.BusABC, reader: CanReader, stopping: threading.Event) -> None:
        """Until it is to stop, the device is lost, or nothing comes but failures."""
        connected, failures, frames = False, 0, 0
        last_s = well_s = monotonic()
        while not stopping.is_set():
            messages: list[can.Message] = []
            try:
                # The first one asks whether it works: SocketCAN opens an interface that is down.
                messages = reader.receive(_RECEIVE_S if connected else 0)
            except Exception as error:  # as in check()
                if os_error(error) is not None:
                    close_port(bus)
                    self._tell(False, *self._faults.explain(error, connected))
                    return
                self.counters["garbage"] += 1
                failures += 1
                if failures >= _MAX_FAILURES or monotonic() - well_s > _FAILING_S:
                    self._tell(False, "failing", self._faults.failing(error))
                    return
            else:
                failures, well_s = 0, monotonic()
                if not connected:
                    connected = True
                    self._connected()
            now_s = monotonic()
            if now_s - last_s > STALE_S and not self._socket_like:
                self.counters["stale_flush"] += 1
                reader.flush()
                messages, now_s = [], monotonic()
                well_s = now_s
                self._watch.excuse(now_s)
            elif reader.frames != frames and not any(message.is_error_frame for message in messages):
                self._heard(now_s)
            if messages:
                self._take(messages)
            if reader.frames == frames and not failures:  # error frames are no sign of life
                self._quiet(bus, now_s)
            last_s, frames = now_s, reader.frames

    # Frames

    def _take(self, messages: list[can.Message]) -> None:
        """All frames of one reading; of each signal its last value is news, however many a flood brought."""
        now_s, realtime_s = monotonic(), time()
        latest: dict[int, VehicleSignal] = {}
        for message in messages:
            if message.is_error_frame:
                self.counters["error_frame"] += 1
                if self._socket_like:
                    self._watch.error(error_state(message), now_s)
                    self._tell_state()
                continue
            self._heard(now_s)  # after what stopped the bus, if anything did
            if message.is_remote_frame:
                self.counters["remote_frame"] += 1
                continue
            message.timestamp = received_s(message.timestamp, now_s, realtime_s) if self._socket_like else now_s
            if self._tap:
                self._tap(message)
                if self._tap_all and (message.arbitration_id, message.is_extended_id) not in self._of_use:
                    continue
            if now_s - message.timestamp > STALE_S:
                self.counters["stale"] += 1
                continue
            self._useful_s = now_s
            for signal in self._decode(message):
                latest[signal.signal] = signal
        for signal in latest.values():
            self._deliver(signal)

    def _heard(self, now_s: float) -> None:
        self._watch.heard(now_s)
        if self._told != "connected":
            self._connected()

    def _quiet(self, bus: can.BusABC, now_s: float) -> None:
        self._watch.quiet(controller_state(bus, self._adapter.interface, self._adapter.channel), now_s)
        self._tell_state()

    # What is told

    def _tell_state(self) -> None:
        state = self._watch.state
        if state:
            self._tell(False, state, self._faults.state(state, self._silence_s))
        elif self._told != "connected":
            self._connected()

    def _connected(self) -> None:
        self._tell(True, "connected", f"{self._adapter.interface} {self._adapter.channel}")

    def _tell(self, up: bool, reason: str, detail: str) -> None:
        if reason != self._told and (self._told, reason) != ("unplugged", "absent"):
            self._told = reason
            self._deliver(Link(monotonic_ns(), self.port, up, reason, detail))


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
