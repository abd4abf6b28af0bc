"""The driver's switches on real pins: each from its pin to ground, with the chip's pull-up.

The kernel's edges carry its own time stamps; besides, the levels are looked at every 50 ms, so that a chip that
gives no edges works as well, and a lost edge is made good. A level counts once it has held for 20 ms: contacts
bounce, and a spark on the wire is no press. One thread for all switches.
"""

import os
import select
import time
from collections import Counter, deque
from functools import partial
from typing import Any, Final

from gpiozero import InputDevice

from asvunit.adapters.gpio.chip import Chip, text_of
from asvunit.pins import PinMap
from asvunit.ports import SWITCHES, Delivery, Link, Switch
from asvunit.woken_thread import WokenThread, ms_until

SETTLED_NS: Final = 20_000_000
_LOOKED_AT_NS: Final = 50_000_000
_STUCK_NS: Final = 30_000_000_000
_EDGES: Final = 256  # kept at most; what levels are by then is looked at anyway
_OLDEST_NS: Final = 10_000_000_000  # an edge is not told of later than this: else its clock is another
_PORT: Final = "hmi.switches"


class Contact:
    """One switch, without a clock: levels go in as they are seen, a press or release comes out once it has held.

    A switch that is held when it is first seen is not pressed, and its first release is none.
    """

    def __init__(self, switch: int, level: int, time_ns: int, counters: Counter[str]) -> None:
        """`switch`: index into SWITCHES; `level`: 1 pressed. Counts "held_at_start", "spike", "stuck"."""
        self._switch, self._counters = switch, counters
        self._level = self._seen = level
        self._seen_ns = time_ns
        self._began_ns: int | None = None  # the first edge since the level last held
        self._ignored = bool(level)  # the release that follows
        self._pressed_ns: int | None = None
        if level:
            counters["held_at_start"] += 1

    def see(self, level: int, time_ns: int) -> None:
        """An edge, or a look at the level."""
        if level != self._seen:
            self._seen, self._seen_ns = level, time_ns
            if self._began_ns is None:
                self._began_ns = time_ns
        elif self._began_ns is not None and time_ns < self._began_ns:  # a look was faster than the edge's word
            self._began_ns = time_ns

    @property
    def due_ns(self) -> int | None:
        """When the level will have held long enough; None while nothing is on its way."""
        return None if self._began_ns is None else self._seen_ns + SETTLED_NS

    def settled(self, now_ns: int) -> Switch | None:
        """A press or release that has held, with the time of its first edge."""
        if self._pressed_ns is not None and now_ns - self._pressed_ns >= _STUCK_NS:
            self._counters["stuck"] += 1  # once a press
            self._pressed_ns = None
        if self._began_ns is None or now_ns < self._seen_ns + SETTLED_NS:
            return None
        began_ns, self._began_ns = self._began_ns, None
        if self._seen == self._level:
            self._counters["spike"] += 1
            return None
        self._level = self._seen
        if self._ignored:
            self._ignored = False
            return None
        self._pressed_ns = began_ns if self._level else None
        return Switch(began_ns, self._switch, self._level)


class GpioSwitches:
    """A live input (`ports.LiveInput`) of the map's switches. A pin that cannot be read is told as a Link, and again
    when it can.

    `counters`: "spike", "held_at_start", "stuck", "no_edges" (switches without the kernel's edges).
    """

    name = "switches"

    def __init__(self, pins: PinMap, chip: Chip) -> None:
        """Opens the pins; UsageError that names the pin and its key."""
        self.counters: Counter[str] = Counter()
        self._chip = chip
        self._pins = [getattr(pins.switches, name) for name in SWITCHES]
        self._devices: list[Any] = []
        self._edges: deque[tuple[int, int, int]] = deque(maxlen=_EDGES)  # switch, level, time
        self._news = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._told = False  # the thread knows of news, or is at work
        self._listeners: list[_Listener] = []
        self._deliver: Delivery | None = None
        self._thread = WokenThread(self.name, self._run)
        self._closed = False
        self._broken = ""
        try:
            for name, pin in zip(SWITCHES, self._pins, strict=True):
                self._devices.append(chip.open(f"switches.{name}", pin, InputDevice, pull_up=True))
        except BaseException:
            self.close()
            raise

    def check(self) -> None:
        """Nothing is left to be refused: the pins are open."""

    def start(self, deliver: Delivery) -> None:
        """Listens from now on, in a thread of its own."""
        self.stop()
        self._deliver = deliver
        for number, device in enumerate(self._devices):
            listener = _Listener(self, number)
            self._listeners.append(listener)  # gpiozero holds it weakly
            if self._chip.failed(partial(_listen, device, listener.edge)):
                self.counters["no_edges"] += 1
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread, within a second; may be called twice."""
        self._thread.stop()
        if self._listeners:
            for device in self._devices:
                self._chip.failed(partial(_listen, device, None))
            self._listeners.clear()

    def close(self) -> None:
        """Ends the thread and gives the pins back; may be called twice."""
        if self._closed:
            return
        self._closed = True
        self.stop()
        for device in self._devices:
            self._chip.failed(device.close)
        self._told = True  # an edge that is still on its way must not write there
        os.close(self._news)

    def edge(self, number: int, level: int, time_ns: int) -> None:
        """From the chip's thread: 1 pressed."""
        self._edges.append((number, level, time_ns))
        if not self._told:
            self._told = True
            os.eventfd_write(self._news, 1)

    # The thread

    def _run(self, wake: int) -> None:
        waiting = select.poll()
        waiting.register(wake, select.POLLIN)
        waiting.register(self._news, select.POLLIN)
        contacts: dict[int, Contact] = {}
        next_ns = time.monotonic_ns()
        while True:
            due = [one.due_ns for one in contacts.values()]
            first_ns = min([next_ns, *(each for each in due if each is not None)])
            # An edge that came while the last were taken has woken nobody
            ready = {number for number, _events in waiting.poll(0 if self._edges else ms_until(first_ns))}
            if wake in ready:
                return
            if self._news in ready:
                os.eventfd_read(self._news)
            self._heard(contacts)
            now_ns = time.monotonic_ns()
            if now_ns >= first_ns:
                self._look(contacts, now_ns)
                next_ns = now_ns + _LOOKED_AT_NS
            for contact in contacts.values():
                record = contact.settled(now_ns)
                if record is not None and self._deliver is not None:
                    self._deliver(record)
            # While a level settles, the thread wakes by itself: a rattling contact is not to wake it at each edge
            self._told = any(contact.due_ns is not None for contact in contacts.values())

    def _heard(self, contacts: dict[int, Contact]) -> None:
        while self._edges:
            number, level, time_ns = self._edges.popleft()
            if number in contacts:
                contacts[number].see(level, time_ns)

    def _look(self, contacts: dict[int, Contact], now_ns: int) -> None:
        reasons = []
        for number, device in enumerate(self._devices):
            try:
                level = int(device.is_active)
            except self._chip.faults as error:
                reasons.append(f"switch {SWITCHES[number]} (pin {self._pins[number]}): {text_of(error)}")
                continue
            if number in contacts:
                contacts[number].see(level, now_ns)
            else:
                contacts[number] = Contact(number, level, now_ns, self.counters)
        told = "; ".join(reasons)
        if bool(told) != bool(self._broken) and self._deliver is not None:
            self._deliver(Link(now_ns, _PORT, not told, "failing" if told else "connected", told))
        self._broken = told


class _Listener:
    """Takes one pin's edges, as gpiozero hands them on."""

    def __init__(self, switches: GpioSwitches, number: int) -> None:
        self._switches, self._number = switches, number

    def edge(self, ticks_s: float, state: int) -> None:
        """`ticks_s`: the kernel's stamp. The pin is low while the switch is pressed."""
        stamp_ns = monotonic_of(round(ticks_s * 1e9), time.monotonic_ns(), time.time_ns())
        self._switches.edge(self._number, int(not state), stamp_ns)


def _listen(device: Any, heard: Any) -> None:
    device.pin.edges = "both"
    device.pin.when_changed = heard


def monotonic_of(stamp_ns: int, now_ns: int, unix_ns: int) -> int:
    """A kernel's stamp as monotonic time: line events are of that clock since Linux 5.7, of Unix time before."""
    for time_ns in (stamp_ns, stamp_ns - (unix_ns - now_ns)):
        if now_ns - _OLDEST_NS < time_ns <= now_ns:
            return time_ns
    return now_ns
