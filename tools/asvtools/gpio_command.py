"""`asvkit gpio`: the pins of a unit put out, tried one by one, or shown as a table or a drawing.

None of them is for a unit that runs: it has its pins to itself.
"""

import json
import queue
import sys
import threading
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from asvunit.errors import AsvkitError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from asvunit.adapters.gpio import Gpio
    from asvunit.pins import PinMap

app = typer.Typer(help="Lamps, buzzer and switches on a Raspberry Pi.", rich_markup_mode=None, no_args_is_help=False)

_CONFIG: Final = "The unit's configuration: its pin map, and whether its pins are real."
_PINS: Final = "A pin map, without a configuration."


@app.callback()
def _gpio() -> None:
    """Lamps, buzzer and switches on a Raspberry Pi."""


@app.command("show", short_help="The pin map as a table: part, colour, meaning, place on the header.")
def show(
    config: Annotated[Path | None, typer.Option(help=_CONFIG, metavar="FILE")] = None,
    pins: Annotated[Path | None, typer.Option(help=_PINS, metavar="FILE")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """The pin map as a table: what is wired to which pin, and what it means. Nothing is opened."""
    from asvtools.gpio_wiring import reserved, table, wires

    used = _Unit(config, pins).pins
    if as_json:
        lines = {
            wire.key: {"pin": wire.pin, "header": wire.header, "part": wire.part.part, "colour": wire.part.colour}
            for wire in wires(used)
        }
        typer.echo(json.dumps({"pins": lines, "reserved": used.reserved}))
        return
    typer.echo("\n".join([*table(used), *reserved(used)]))


@app.command("wiring", short_help="The pin map as a drawing of the header and what is wired to it.")
def wiring(
    config: Annotated[Path | None, typer.Option(help=_CONFIG, metavar="FILE")] = None,
    pins: Annotated[Path | None, typer.Option(help=_PINS, metavar="FILE")] = None,
    svg: Annotated[Path, typer.Option(help="Where; '-' is stdout.", metavar="FILE")] = Path("-"),
) -> None:
    """The pin map as an SVG drawing: each pin of the header and the way through its parts. Nothing is opened."""
    from asvtools.gpio_wiring_svg import wiring_svg

    text = wiring_svg(_Unit(config, pins).pins)
    if str(svg) == "-":
        typer.echo(text, nl=False)
        return
    try:
        svg.write_text(text, encoding="utf-8")
    except OSError as error:
        raise AsvkitError(f"{svg}: cannot be written: {error.strerror}; name another file") from error


@app.command("off", short_help="All lamps dark and the buzzer silent, as after a crash.")
def off(
    config: Annotated[Path | None, typer.Option(help=_CONFIG, metavar="FILE")] = None,
    pins: Annotated[Path | None, typer.Option(help=_PINS, metavar="FILE")] = None,
) -> None:
    """All lamps dark and the buzzer silent, pin by pin: what a unit that was killed may have left on.

    Exit code 1: a pin could not be had or written; the others are off all the same.
    """
    from asvunit.adapters.gpio import darken, open_chip

    unit = _Unit(config, pins)
    factory = unit.factory()
    if factory is None:
        typer.echo("hmi.gpio is off: no lamp, no buzzer")
        return
    unit.refuse_running()
    chip = open_chip(factory, unit.pins, unit.record if factory == "mock" else None)
    try:
        failed = darken(unit.pins, chip)
    finally:
        chip.close()
    count = len(unit.pins.lamps) + 1 - len(failed)
    where = "mock pins: no lamp was lit on this machine" if factory == "mock" else "dark and silent"
    typer.echo(f"{count} of {len(unit.pins.lamps) + 1} pins of lamps and buzzer are off ({where})")
    if failed:
        reasons = list(failed.values())
        more = f"; so {len(reasons) - 1} more" if len(reasons) > 1 else ""
        raise AsvkitError(reasons[0] + more)


@app.command("test", short_help="Each lamp and each tone by name, and what to look for; then the switches.")
def try_pins(
    config: Annotated[Path | None, typer.Option(help=_CONFIG, metavar="FILE")] = None,
    pins: Annotated[Path | None, typer.Option(help=_PINS, metavar="FILE")] = None,
    seconds: Annotated[float, typer.Option(min=0.05, max=60, help="For each lamp and tone.")] = 1.0,
    switches: Annotated[
        float, typer.Option(min=0, max=600, help="How long each switch is waited for; 0: not tried.", metavar="SECONDS")
    ] = 0.0,
) -> None:
    """Each lamp and each tone in turn, by name, and what to look for; then, with --switches, each switch.

    All is dark and silent afterwards, however it ends. Exit code 1: a pin could not be written, a switch not pressed.
    """
    from asvunit.adapters.gpio import open_gpio
    from asvunit.runtime import end_by_signal, stopped_by_signals

    unit = _Unit(config, pins)
    factory = unit.factory()
    if factory is None:
        typer.echo("hmi.gpio is off: nothing to try")
        return
    unit.refuse_running()
    with stopped_by_signals(end_by_signal), closing(open_gpio(unit.pins, factory, unit.record, unit.switches)) as gpio:
        if factory == "mock":
            _say("mock pins: no lamp is lit on this machine")
        failed = _outputs(gpio, unit.pins, unit.volume_percent, threading.Event().wait, seconds)
        if switches:
            failed += _switches(gpio, unit.pins, switches)
    if failed:
        raise AsvkitError("; ".join(failed))
    _say("all off; what stayed dark: its wiring, its polarity, its resistor, its pin in the map")


def _outputs(
    gpio: "Gpio", pins: "PinMap", volume_percent: int, wait: "Callable[[float], Any]", seconds: float
) -> list[str]:
    """What could not be written."""
    from asvcore.hmi_rules import SOUNDS
    from asvtools.gpio_wiring import PARTS
    from asvunit.ports import Shown
    from asvunit.words import WORDS

    failed: list[str] = []
    steps = []
    for name, pin in pins.lamps.items():
        part = PARTS[f"leds.{name}"]
        what = f"{name} (pin {pin}): a {part.colour} lamp is lit: {part.meaning}"
        steps.append((name, what, Shown(lamps=frozenset({name}))))
    for code, (hz, _on, _off, _times, of_level) in enumerate(SOUNDS):
        if hz:
            volume = of_level * volume_percent // 100
            what = f"buzzer (pin {pins.buzzer.pwm}): {hz} Hz, the tone of {WORDS['SOUND'][code]}, volume {volume} %"
            steps.append(("buzzer", what, Shown(tone_hz=hz, volume_percent=volume)))
    for name, what, shown in steps:
        reasons = []
        try:
            gpio.outputs.show(shown)
        except OSError as error:  # of this one, or of one before that is tried again each time
            reasons = (error.strerror or str(error)).split("; ")
        failed += [reason for reason in reasons if reason not in failed]
        if not any(reason.startswith(f"{name} (pin ") for reason in reasons):
            _say(what)
            wait(seconds)
    return failed


def _switches(gpio: "Gpio", pins: "PinMap", seconds: float) -> list[str]:
    """What was not pressed in time."""
    from asvunit.ports import SWITCHES

    if gpio.switches is None:
        return ["switches: mock pins have none; name a FIFO in hmi.switches"]
    came: queue.SimpleQueue[Any] = queue.SimpleQueue()
    gpio.switches.start(came.put)
    failed = []
    for number, name in enumerate(SWITCHES):
        pin = getattr(pins.switches, name)
        _say(f"press {name} (pin {pin}) within {seconds:g} s")
        reason = _pressed(came, number, seconds)
        if reason:
            failed.append(f"switch {name} (pin {pin}): {reason}")
        else:
            _say(f"{name}: pressed")
    return failed


def _pressed(came: "queue.SimpleQueue[Any]", number: int, seconds: float) -> str:
    """Waits for a press of a switch; why there was none, or ""."""
    from asvunit.ports import Link, Switch

    end_s = monotonic() + seconds
    reason = "not pressed; is it wired to ground, and to this pin?"
    while (left_s := end_s - monotonic()) > 0:
        try:
            record = came.get(timeout=left_s)
        except queue.Empty:
            break
        if isinstance(record, Link) and not record.up:
            reason = record.detail
        elif isinstance(record, Switch) and (record.switch, record.value) == (number, 1):
            return ""
    return reason


class _Unit:
    """What a configuration, or a pin map alone, says of the pins."""

    def __init__(self, config: Path | None, pins: Path | None) -> None:
        from asvunit.assembly import beside
        from asvunit.config import Config, load_config
        from asvunit.pins import check_pins, load_pins

        if config is not None and pins is not None:
            raise UsageError("--pins: a configuration names its own pin map (hmi.pins); give one of the two")
        self._file = config
        loaded = load_config(config) if config else Config()
        folder = config.parent if config else Path()
        self._setting = loaded.hmi.gpio
        self.volume_percent = loaded.hmi.volume_percent
        self.record, self.switches = beside(folder, loaded.hmi.record), beside(folder, loaded.hmi.switches)
        self.pins = load_pins(pins or beside(folder, loaded.hmi.pins))
        try:
            check_pins(self.pins, loaded.gnss.port)
        except UsageError as error:
            raise UsageError(f"{config}: {error}") from error

    def factory(self) -> Any:
        """ "lgpio", "mock"; None where the configuration has no pins."""
        from asvunit.adapters.gpio import choose_factory

        return None if self._setting == "off" else choose_factory(self._setting)

    def refuse_running(self) -> None:
        """AsvkitError while a unit runs with this configuration: the pins are its own."""
        from asvtools.doctor.finding import Job
        from asvtools.doctor.machine import running_unit

        holder = running_unit(Job(file=self._file)) if self._file else ""
        if holder:
            raise AsvkitError(f"{self._file}: {holder} has the pins; end it first: sudo systemctl stop asvkit")


def _say(text: str) -> None:
    typer.echo(text)
    sys.stdout.flush()
