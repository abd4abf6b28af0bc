"""The unit that is measured: one of this machine with stand-ins for its devices, or one of a given configuration.

Either way it is a real `asvkit run`, a process of its own. Of a given configuration nothing is changed: the bench
speaks through devices of its own that are wired to the unit's: an adapter on the same CAN bus, a serial line to the
receiver's input, the same radio network, a pin to a switch.
"""

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from asvrig.latency.car import BenchCar, Bus, Line
from asvrig.latency.edges import Chip
from asvrig.latency.stimuli import Press, Stimulus
from asvrig.latency.wires import can_us, loopback_echo_us, pipe_echo_us, pty_echo_us, serial_us
from asvrig.live.radio import RadioSender, free_udp_port, radio_sender
from asvrig.live.receiver import ReceiverPty
from asvrig.live.slcan import SlcanPty
from asvrig.live.unit_process import UNIT_COMMAND, UnitProcess
from asvrig.unit_config import CAN_BITRATE, GNSS_BAUD, LOOPBACK, quoted
from asvunit.config import Config, load_config
from asvunit.errors import UsageError
from asvunit.pins import PinMap, load_pins

EVENTS, PINS, UNIT = "events.jsonl", "pins.jsonl", "unit"
_MAP: Final = "bench"


@dataclass(frozen=True, slots=True)
class Wiring:
    """What of this machine is wired to the unit of a given configuration."""

    can: str | None = None  # python-can's interface:channel, on the unit's bus
    gnss: str | None = None  # serial device wired to the receiver's input of the unit
    radio_interface: str | None = None  # ocb: another interface than the unit's
    press_pin: int | None = None  # BCM number of an output wired to a switch's pin


@dataclass(slots=True)
class Target:
    """A unit that is about to run, and the devices that speak to it. `wire_us` are those of the stimulus."""

    car: BenchCar
    press: Press | None
    pins: PinMap
    record: Path | None
    events: Path
    wire_us: float
    wire: str  # what that time is, for people
    conditions: dict[str, Any]
    unit_text: str
    arguments: tuple[str, ...] = ()

    @contextlib.contextmanager
    def running(self, folder: Path) -> Iterator[UnitProcess]:
        """The unit, ready; AsvkitError with what it says if it does not start."""
        with UnitProcess(UNIT, folder, self.unit_text, arguments=self.arguments, command=UNIT_COMMAND) as unit:
            yield unit


@contextlib.contextmanager
def local_target(folder: Path, kind: type[Stimulus]) -> Iterator[Target]:
    """A unit with a receiver and a bus on ptys, radio on loopback, mock pins with their record, switches by a FIFO."""
    with ExitStack() as opened:
        port = free_udp_port()
        # What the folder keeps are files; and the path of a socket must be short
        ways = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="asvkit-")))
        switches = ways / "switches"
        receiver, can = ReceiverPty(), SlcanPty()
        opened.callback(receiver.close)
        opened.callback(can.close)
        radio = opened.enter_context(RadioSender(LOOPBACK, port))
        text = (
            f'config = 1\n\n[vehicle]\nmap = "{_MAP}"\n'
            f"\n[gnss]\nport = {quoted(receiver.port)}\nbaud = {GNSS_BAUD}\n"
            f'\n[can]\ninterface = "slcan"\nchannel = {quoted(can.port)}\nbitrate = {CAN_BITRATE}\n'
            f"\n[radio]\naddress = {quoted(LOOPBACK)}\nport = {port}\n"
            f'\n[hmi]\ngpio = "mock"\nrecord = "{PINS}"\nswitches = {quoted(switches)}\nself_test = false\n'
            f'\n[events]\nfile = "{EVENTS}"\nsocket = {quoted(ways / "socket")}\n{kind.unit}'
        )
        car = BenchCar(receiver, can, radio)
        opened.callback(car.close)
        wire_us, wire = _local_wire(kind, car)
        yield Target(
            car,
            _fifo_press(switches, opened),
            load_pins(None),
            folder / PINS,
            folder / EVENTS,
            wire_us,
            wire,
            {"target": "local", "gnss": "pty", "can": "slcan on a pty", "radio": "udp on loopback", "pins": "mock"},
            text,
        )


@contextlib.contextmanager
def given_target(
    folder: Path, kind: type[Stimulus], path: Path, wiring: Wiring, chip: Chip | None, *, by_record: bool
) -> Iterator[Target]:
    """The unit of a configuration; UsageError that names what of it, or of the wiring, the bench cannot do with.

    `by_record`: its pins are seen by their record.
    """
    config = load_config(path)
    _check(path, config, kind, wiring)
    if by_record and config.hmi.record is None:
        raise UsageError(f'{path}: hmi.record: --probe record reads it; name a file, with gpio = "mock"')
    beside = path.resolve().parent
    pins = load_pins(beside / config.hmi.pins if config.hmi.pins else None)
    with ExitStack() as opened:
        receiver = _serial(wiring.gnss or "", config.gnss.baud)
        opened.callback(receiver.close)
        bitrate = config.can.bitrate or CAN_BITRATE
        can = _bus(wiring.can or "", bitrate)
        opened.callback(can.close)
        table = config.radio.model_copy(update={"interface": wiring.radio_interface or config.radio.interface})
        radio = opened.enter_context(radio_sender(table))
        car = BenchCar(receiver, can, radio)
        opened.callback(car.close)
        wire_us, wire = 0.0, "not known: nothing is subtracted"
        if kind.cause == "signal":
            wire_us, wire = can_us(car.body_frame()[0], False, car.body_frame()[1], bitrate), f"{bitrate} bit/s"
        elif kind.cause == "fix":
            wire_us, wire = serial_us(car.epoch_bytes(), config.gnss.baud), f"{config.gnss.baud} baud"
        press: Press | None = None
        if wiring.press_pin is not None and chip is not None:
            press = _pin_press(chip, wiring.press_pin)
        elif config.hmi.switches:
            press = _fifo_press(beside / config.hmi.switches, opened)
        yield Target(
            car,
            press,
            pins,
            beside / config.hmi.record if config.hmi.record else None,
            folder / EVENTS,
            wire_us,
            wire,
            {"target": path.name, "gnss": wiring.gnss, "can": wiring.can, "radio": config.radio.kind}
            | {"pins": config.hmi.gpio},
            f"[events]\nsocket = {quoted(beside / (config.events.socket or ''))}\n",
            ("--config", str(path), "--events", str(folder / EVENTS)),
        )


def _check(path: Path, config: Config, kind: type[Stimulus], wiring: Wiring) -> None:
    """UsageError where the configuration and the wiring do not carry the stimulus."""
    problems = {
        f'{path}: vehicle.map: the bench speaks as the car of dbc/bench.dbc does; set map = "{_MAP}"': (
            config.vehicle.map != _MAP
        ),
        f"{path}: events.socket: the bench follows the unit by it; name a file": config.events.socket is None,
        "--can: name the adapter on the unit's bus, as socketcan:can1": wiring.can is None,
        "--gnss: name the serial device that is wired to the unit's receiver input, as /dev/ttyUSB0": (
            wiring.gnss is None
        ),
        f"{path}: radio.kind: off; the bench's vehicles cannot be heard": config.radio.kind == "off",
        "--radio-interface: name the interface that the bench's vehicles send on": (
            config.radio.kind == "ocb" and wiring.radio_interface is None
        ),
        f'{path}: surrounding.shown: the switch is measured with shown = "request"': (
            kind.cause == "switch" and config.surrounding.shown != "request"
        ),
        "--press-pin: name the output that is wired to the request switch's pin (or set hmi.switches, of mock pins)": (
            kind.cause == "switch" and wiring.press_pin is None and config.hmi.switches is None
        ),
    }
    found = next((text for text, wrong in problems.items() if wrong), None)
    if found:
        raise UsageError(found)


def _local_wire(kind: type[Stimulus], car: BenchCar) -> tuple[float, str]:
    identifier, data = car.body_frame()
    slcan = f"t{identifier:03X}{len(data)}{data.hex().upper()}\r".encode()
    ways = {
        "signal": lambda: (pty_echo_us(slcan), "least echo of a pty"),
        "fix": lambda: (pty_echo_us(b"$" * car.epoch_bytes()), "least echo of a pty"),
        "frame": lambda: (loopback_echo_us(bytes(100)), "least echo on loopback"),
        "switch": lambda: (pipe_echo_us(_pressed("request", 1)), "least echo of a pipe"),
    }
    return ways[kind.cause]()


def _pressed(name: str, value: int) -> bytes:
    return json.dumps({"switch": name, "value": value}).encode() + b"\n"


def _fifo_press(path: Path, opened: ExitStack) -> Press:
    """Presses by the FIFO of mock pins, which the unit makes: it is opened at the first press."""
    held: list[int] = []

    def press(name: str, value: int) -> int:
        data = _pressed(name, value)
        if not held:
            try:
                held.append(os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC))
            except OSError as error:
                raise UsageError(f"{path}: {error.strerror}; does the unit read its switches there?") from error
            opened.callback(os.close, held[0])
        sent_ns = time.monotonic_ns()
        os.write(held[0], data)
        return sent_ns

    return press


def _pin_press(chip: Chip, pin: int) -> Press:
    """Presses by an output on the switch's line: low is pressed, as the switch to ground is."""
    chip.output(pin, "--press-pin", 1)

    def press(_name: str, value: int) -> int:
        sent_ns = time.monotonic_ns()
        chip.write(pin, 1 - value)
        return sent_ns

    return press


class _SerialLine:
    """The bench's end of the unit's serial line."""

    def __init__(self, port: str, baud: int) -> None:
        from serial import Serial

        try:
            self._line = Serial(port, baud, timeout=0, write_timeout=0.05, exclusive=True)
        except (OSError, ValueError) as error:
            number = getattr(error, "errno", None)
            said = os.strerror(number) if number else error
            raise UsageError(f"--gnss: {port}: cannot be opened: {said}") from error

    def write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self._line.write(data)

    def service(self) -> None:
        """What the unit says to its receiver is read and forgotten."""
        with contextlib.suppress(OSError):
            self._line.reset_input_buffer()

    def close(self) -> None:
        self._line.close()


class _CanLine:
    """The bench's adapter on the unit's bus."""

    def __init__(self, interface: str, channel: str, bitrate: int) -> None:
        import can

        self._can, self._closed = can, False
        try:
            self._bus = can.Bus(interface=interface, channel=channel, bitrate=bitrate)
        except (can.CanError, OSError, ValueError, ImportError) as error:
            said = " ".join(str(error).split()) or type(error).__name__
            raise UsageError(f"--can: {interface}:{channel}: cannot be opened: {said}") from error

    def send(self, identifier: int, extended: bool, data: bytes) -> None:
        message = self._can.Message(arbitration_id=identifier, is_extended_id=extended, data=data)
        with contextlib.suppress(self._can.CanError, OSError):
            self._bus.send(message, timeout=0)

    def service(self) -> None:
        """Nothing is read here: sockets drop what nobody takes."""

    def close(self) -> None:
        """May be called twice, which python-can's buses do not bear."""
        if not self._closed:
            self._closed = True
            with contextlib.suppress(self._can.CanError, OSError):
                self._bus.shutdown()


def _serial(port: str, baud: int) -> Line:
    return _SerialLine(port, baud)


def _bus(where: str, bitrate: int) -> Bus:
    interface, _, channel = where.partition(":")
    if not channel:
        raise UsageError(f"--can: {where!r}: give interface:channel, as socketcan:can1")
    return _CanLine(interface, channel, bitrate)
