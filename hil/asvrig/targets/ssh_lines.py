"""Receiver, bus and switches of a unit on another machine: by this bench's wires, or by stand-ins over there."""

import base64
import contextlib
import itertools
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

from asvrig.agent.client import AgentClient
from asvrig.agent.unit import AgentUnit
from asvrig.targets.ssh_bench import CanTable, GnssTable
from asvrig.targets.ssh_pins import ClocksKept
from asvrig.targets.target import NotOnTarget
from asvunit.errors import AsvkitError, UsageError

_PIECE: Final = 2000  # bytes told to the helper at once
_DONE_S: Final = 5.0
_FIFO_S: Final = 5.0
_RETRY_S: Final = 0.02
_WRITE_S: Final = 0.2


class SerialReceiver:
    """This bench's end of a serial line (`targets.target.Receiver`). UsageError where it cannot be opened."""

    def __init__(self, table: GnssTable) -> None:
        from serial import Serial

        self.dropped: Counter[str] = Counter()
        assert table.line
        try:
            self._line = Serial(table.line, table.baud, timeout=0, write_timeout=_WRITE_S, exclusive=True)
        except (OSError, ValueError) as error:
            number = getattr(error, "errno", None)
            said = os.strerror(number) if number else error
            raise UsageError(f"gnss.line: {table.line}: cannot be opened: {said}") from error

    def write(self, data: bytes) -> None:
        """What the line does not take is counted."""
        try:
            self._line.reset_input_buffer()  # what the unit says to its receiver is forgotten
            self._line.write(data)
        except OSError:
            self.dropped["stalled"] += len(data.splitlines())

    def unplug(self) -> None:
        """A wire cannot be pulled from here."""
        raise NotOnTarget("unplug: the receiver's line is a wire; pull it by hand")

    def plug(self) -> None:
        """As unplug."""
        raise NotOnTarget("plug: the receiver's line is a wire; put it back by hand")

    def close(self) -> None:
        """May be called twice."""
        self._line.close()


class BusCan:
    """This bench's adapter on the unit's bus (`targets.target.CanLine`). AsvkitError if the bus is not quiet."""

    def __init__(self, table: CanTable) -> None:
        from asvrig.bench_bus import bench_buses
        from asvunit.canbus.interfaces import Adapter

        self.dropped: Counter[str] = Counter()
        interface, _, channel = (table.bus or "").partition(":")
        adapter = Adapter(interface, channel, bitrate=table.bitrate, options=dict(table.options))
        self._opened = ExitStack()
        self._bus = self._opened.enter_context(bench_buses([adapter], table.listen_s))[0]
        self._lock = threading.Lock()

    def send(self, identifier: int, extended: bool, data: bytes) -> None:
        """What the bus does not take is counted."""
        import can

        message = can.Message(arbitration_id=identifier, is_extended_id=extended, data=data)
        with self._lock:
            try:
                self._bus.send(message, timeout=_WRITE_S)
            except (can.CanError, OSError):
                self.dropped["stalled"] += 1

    def unplug(self) -> None:
        """A wire cannot be pulled from here."""
        raise NotOnTarget("unplug: the bus is a wire; pull it by hand")

    def plug(self) -> None:
        """As unplug."""
        raise NotOnTarget("plug: the bus is a wire; put it back by hand")

    def close(self) -> None:
        """May be called twice."""
        self._opened.close()


class HelperLine:
    """Asks the helper over there, where something is to be answered."""

    def __init__(self, program: AgentUnit) -> None:
        self.program = program
        self._numbers = itertools.count(1)

    def ask(self, **told: Any) -> dict[str, Any]:
        """Its answer; AsvkitError where it refuses."""
        number = next(self._numbers)
        self.program.tell(json.dumps({**told, "number": number}) + "\n")
        answer = self.program.wait_event(lambda event: event.get("number") == number, _DONE_S)
        if answer["event"] != "done":
            raise AsvkitError(f"{self.program.name}: {answer.get('why')}")
        return answer


class RemoteReceiver:
    """A receiver on a pty over there (`targets.target.Receiver`)."""

    def __init__(self, helper: HelperLine) -> None:
        self._helper = helper

    def write(self, data: bytes) -> None:
        """Goes at once; nobody waits for it."""
        for at in range(0, len(data), _PIECE):
            piece = base64.b64encode(data[at : at + _PIECE]).decode()
            self._helper.program.tell(json.dumps({"gnss": piece}) + "\n")

    def unplug(self) -> None:
        """Its device goes."""
        self._helper.ask(unplug="gnss")

    def plug(self) -> None:
        """Its device is there again."""
        self._helper.ask(plug="gnss")


class RemoteCan:
    """A CAN adapter on a pty over there (`targets.target.CanLine`)."""

    def __init__(self, helper: HelperLine) -> None:
        self._helper = helper

    def send(self, identifier: int, extended: bool, data: bytes) -> None:
        """Goes at once; nobody waits for it."""
        self._helper.program.tell(json.dumps({"can": [identifier, extended, data.hex()]}) + "\n")

    def unplug(self) -> None:
        """Its device goes."""
        self._helper.ask(unplug="can")

    def plug(self) -> None:
        """Its device is there again."""
        self._helper.ask(plug="can")


class FifoPress:
    """Presses by the FIFO of the unit's mock pins (`targets.target.Switches`)."""

    def __init__(self, client: AgentClient, path: str) -> None:
        self._client, self._path = client, path

    def press(self, name: str, value: int) -> int:
        """The time just before; AsvkitError where no unit reads it."""
        data = json.dumps({"switch": name, "value": value}).encode() + b"\n"
        until_s = time.monotonic() + _FIFO_S
        while True:
            before_ns = time.monotonic_ns()
            try:
                self._client.push(self._path, data)
            except AsvkitError:
                if time.monotonic() > until_s:
                    raise
                time.sleep(_RETRY_S)
            else:
                return before_ns


class WiredPress:
    """Presses by outputs that are wired to the switches' pins: of this bench's GPIO, or of the unit's own machine."""

    def __init__(self, press: Callable[[str, int], int]) -> None:
        self._press = press

    def press(self, name: str, value: int) -> int:
        """The time just before."""
        return self._press(name, value)


class NoPress:
    """Of a bench that has nothing to press (`targets.target.Switches`)."""

    def press(self, name: str, value: int) -> int:
        """NotOnTarget."""
        raise NotOnTarget(f"switches: nothing is wired to {name} (={value}); pins.press in the bench file names it")


def helper_press(helper: HelperLine, clocks: ClocksKept) -> WiredPress:
    """By the helper's outputs; its times laid on this bench's clock."""
    return WiredPress(lambda name, value: clocks.bench(int(helper.ask(press=name, value=value)["t_ns"])))


def bench_press(chip: Any, pins: dict[str, int]) -> WiredPress:
    """By outputs of this bench's own chip (`asvrig.latency.edges.Chip`)."""
    for name, pin in pins.items():
        chip.output(pin, f"pins.press.{name}", 1)

    def press(name: str, value: int) -> int:
        if name not in pins:
            raise NotOnTarget(f"switches: nothing is wired to {name}; pins.press in the bench file names it")
        before_ns = time.monotonic_ns()
        with contextlib.suppress(OSError):
            chip.write(pins[name], 1 - value)  # low is pressed, as the switch to ground is
        return before_ns

    return WiredPress(press)
