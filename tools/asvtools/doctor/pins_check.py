"""Lamps and buzzer: the GPIO chip, who may use it, which lines of the pin map are free; and all of them lit in turn."""

import fcntl
import importlib.util
import os
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from asvtools.doctor.finding import ABSENT, OK, PROBLEM, SKIPPED, Finding, Job

# linux/gpio.h: what the chip is, and what a line of it is, of its second version
_CHIP_INFO: Final = 0x8044B401
_CHIP: Final = struct.Struct("=32s32sI")
_LINE_INFO: Final = 0xC100B405
_LINE: Final = struct.Struct("=32s32sIIQ176x")
_USED: Final = 1

_LIT_S: Final = 0.7
_TONE_HZ: Final = 2000
_ALLOWED: Final = "join its group: `sudo usermod -aG gpio $USER`, then log in again"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chip, as the kernel tells it. `consumer`: who has it."""

    name: str
    consumer: str
    used: bool


def chip_label(path: str) -> str:
    """What a chip is: pinctrl-bcm2711, pinctrl-rp1 ..."""
    buffer = bytearray(_CHIP.size)
    _ask(path, _CHIP_INFO, buffer)
    return _text(_CHIP.unpack(buffer)[1])


def line_info(path: str, offset: int) -> Line:
    """One line, which is not requested by this. OSError where the chip does not tell."""
    buffer = bytearray(_LINE.pack(b"", b"", offset, 0, 0))
    _ask(path, _LINE_INFO, buffer)
    name, consumer, _offset, _attributes, flags = _LINE.unpack(buffer)
    return Line(_text(name), _text(consumer), bool(flags & _USED))


def _ask(path: str, number: int, buffer: bytearray) -> None:
    chip = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.ioctl(chip, number, buffer)
    finally:
        os.close(chip)


def _text(data: bytes) -> str:
    return data.split(b"\0")[0].decode(errors="replace")


def check_gpio(
    job: Job, label: Callable[[str], str] = chip_label, line: Callable[[str, int], Line] = line_info
) -> Iterator[Finding]:
    """Chip, permission and lines; needed where the configuration asks for real pins, or runs on a Raspberry Pi."""
    from asvunit.adapters.gpio import choose_factory
    from asvunit.assembly import beside
    from asvunit.pins import check_pins, load_pins

    hmi = job.config.hmi if job.config else None
    if hmi is not None and hmi.gpio == "off":
        yield Finding("gpio", SKIPPED, "hmi.gpio is off: no lamps, no buzzer")
        return
    pins = load_pins(beside(job.folder, hmi.pins) if hmi else None)
    check_pins(pins, job.config.gnss.port if job.config else None)
    factory = choose_factory(hmi.gpio if hmi and hmi.gpio != "off" else "auto", job.root)
    needed = hmi is not None and (factory == "lgpio" or (hmi.gpio == "auto" and job.is_pi))
    board = job.model or "no Raspberry Pi"
    chips = [str(path) for path in job.glob("/dev/gpiochip*")]
    found: dict[str, Any] = {"board": job.model or None, "chips": chips, "pins": pins.by_key(), "factory": factory}
    if hmi is not None and hmi.gpio == "mock":
        yield Finding("gpio", OK, "mock pins: no lamp is lit", found=found)
        return
    if not chips:
        mend = 'run on a Raspberry Pi, or set hmi.gpio = "mock"' if needed else "only for lamps and buttons on a Pi"
        yield Finding("gpio", PROBLEM if needed else ABSENT, f"{board}, no GPIO chip", mend, needed, found)
        return
    shut = [chip for chip in chips if not os.access(job.at(chip), os.R_OK | os.W_OK)]
    if len(shut) == len(chips):
        yield Finding("gpio", PROBLEM, f"no permission for {', '.join(shut)}", _ALLOWED, needed, found)
        return
    if job.is_pi and importlib.util.find_spec("lgpio") is None:
        detail = f"{board}, {', '.join(chips)}; lgpio is not installed, so the pins are mock pins"
        yield Finding("gpio", PROBLEM, detail, "`pip install 'asvkit[pi]'`", needed, found)
        return
    yield Finding("gpio", OK, f"{board}, {', '.join(chips)}", "", needed, found)
    if job.is_pi or needed:
        chip = _header(job, [each for each in chips if each not in shut], label)
        yield _lines(job, chip, pins.by_key(), line, needed)
        yield from _release(job)


def _release(job: Job) -> Iterator[Finding]:
    """Whether the kernel takes the pins of a killed program back: that of Raspberry Pi leaves them as they were."""
    kept = {job.read(path) for path in job.glob("/sys/module/pinctrl_*/parameters/persist_gpio_outputs")}
    if "Y" in kept:
        detail = "the kernel leaves the lamps of a killed unit as they were"
        mend = "`asvkit gpio off` puts them out, as hardware/asvkit.service does; or dtparam=strict_gpiod in config.txt"
        yield Finding("gpio release", OK, detail, mend)
    elif kept:
        yield Finding("gpio release", OK, "the kernel puts out the lamps of a killed unit")


def _header(job: Job, chips: list[str], label: Callable[[str], str]) -> str:
    """The chip of the 40-pin header: its number differs from model to model."""
    for chip in chips:
        with suppress(OSError):
            if label(str(job.at(chip))).startswith("pinctrl-"):
                return chip
    return chips[0]


def _lines(job: Job, chip: str, pins: dict[str, int], line: Callable[[str, int], Line], needed: bool) -> Finding:
    name = "gpio lines"
    try:
        told = {key: line(str(job.at(chip)), pin) for key, pin in pins.items()}
    except OSError as error:
        detail = f"{chip} does not tell of its lines: {error.strerror or error}"
        return Finding(name, SKIPPED, detail, "`asvkit doctor --self-test` tries them", found={"chip": chip})
    taken = {key: each.consumer or "another program" for key, each in told.items() if each.used}
    found = {"chip": chip, "in_use": {key: {"pin": pins[key], "by": by} for key, by in taken.items()}}
    if not taken:
        return Finding(name, OK, f"{chip}: all {len(pins)} of the pin map are free", "", needed, found)
    if job.holder:
        return Finding(name, OK, f"{chip}: {job.holder} has {len(taken)} of {len(pins)}", "", needed, found)
    each = ", ".join(f"pin {pins[key]} ({key}) has {by}" for key, by in taken.items())
    mend = "end that program or driver (dtoverlay or dtparam in /boot/firmware/config.txt), or wire another pin and"
    return Finding(name, PROBLEM, f"{chip}: {each}", f"{mend} change the pin map (hmi.pins)", needed, found)


def self_test(job: Job, say: Callable[[str], None], pause: Callable[[float], Any] | None = None) -> Iterator[Finding]:
    """Lights each lamp in turn and sounds the buzzer; all off afterwards, however it ends."""
    from asvunit.adapters.gpio import GpioOutputs, choose_factory
    from asvunit.assembly import beside
    from asvunit.errors import AsvkitError
    from asvunit.pins import load_pins
    from asvunit.ports import Shown

    name = "self-test"
    wait = pause or threading.Event().wait
    hmi = job.config.hmi if job.config else None
    if hmi is not None and hmi.gpio == "off":
        yield Finding(name, SKIPPED, "hmi.gpio is off: nothing to light")
        return
    if job.holder:
        yield Finding(name, SKIPPED, f"{job.holder} has the pins", "end the unit first: `sudo systemctl stop asvkit`")
        return
    factory = choose_factory(hmi.gpio if hmi and hmi.gpio != "off" else "auto", job.root)
    needed = hmi is not None
    driven: list[dict[str, Any]] = []
    failed: dict[str, str] = {}
    try:
        pins = load_pins(beside(job.folder, hmi.pins) if hmi else None)
        outputs = GpioOutputs(pins, factory, beside(job.folder, hmi.record) if hmi else None)
    except AsvkitError as error:
        yield Finding(name, PROBLEM, str(error), "see the line of gpio above", needed, {"driven": [], "failed": {}})
        return
    steps = [(lamp, pin, Shown(lamps=frozenset({lamp}))) for lamp, pin in pins.lamps.items()]
    steps.append(("buzzer", pins.buzzer.pwm, Shown(tone_hz=_TONE_HZ)))
    try:
        for part, pin, shown in steps:
            say(f"self-test: {part} (pin {pin}) is {'sounding' if shown.tone_hz else 'lit'} now")
            try:
                outputs.show(shown)
            except OSError as error:
                failed[part] = error.strerror or str(error)
            else:
                driven.append({"name": part, "pin": pin})
            wait(_LIT_S)
    finally:
        outputs.close()
    found = {"factory": factory, "driven": driven, "failed": failed}
    told = ", ".join(f"{one['name']} {one['pin']}" for one in driven)
    if failed:
        yield Finding(name, PROBLEM, "; ".join(failed.values()), "look at the wiring of these pins", needed, found)
    elif factory == "mock":
        yield Finding(name, OK, f"mock pins driven, no lamp was lit: {told}", "", needed, found)
    else:
        mend = "one that stayed dark: its wiring, its resistor, its pin in hmi.pins"
        yield Finding(name, OK, f"driven one after another (pins): {told}", mend, needed, found)
