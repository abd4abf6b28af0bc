"""A measurement from its start to its files: target, probe, offsets, samples, result.

Into the folder go the unit's own `events.jsonl` and, of mock pins, `pins.jsonl` as they are; `stimuli.jsonl`, what was
sent and when; `seen.jsonl`, what the probe saw; `bench.json`, the conditions and the result.
"""

import json
import platform
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from asvrig.latency.bench import TIMEOUT_S, Bench, Samples, looked_for
from asvrig.latency.calibration import probe_offset_us
from asvrig.latency.edges import Chip
from asvrig.latency.probes import BUZZER, EdgeProbe, Probe, RecordProbe
from asvrig.latency.results import report
from asvrig.latency.stimuli import STIMULI
from asvrig.latency.target import Target, Wiring, given_target, local_target
from asvunit.errors import AsvkitError, UsageError
from asvunit.pins import PinMap, load_pins

_READY_S: Final = 30.0
_DRIVES_S, _STANDS_S = 1.5, 0.8  # so that a heading is known; and that it has stopped


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be measured. `wired`: the lamp, or "buzzer", that loopback or photodiode stands at; "": as fits."""

    stimulus: str
    count: int
    probe: str = "record"
    seed: int = 1
    config: Path | None = None
    wired: str = ""
    calibrate: bool = False
    wiring: Wiring = field(default_factory=Wiring)
    timeout_s: float = TIMEOUT_S


def measure(asked: Asked, folder: Path, told: Callable[[Samples], Any] = lambda _samples: None) -> dict[str, Any]:
    """Takes the samples, writes the files, and gives what stands in bench.json. UsageError, AsvkitError: one line."""
    kind = STIMULI[asked.stimulus]
    pins = _pins(asked.config)
    lights, tones = bench_lines(asked, pins)
    seen_by = None if asked.probe == "record" else frozenset({*lights, *tones})
    if not any(looked_for(kind, seen_by)):
        raise UsageError(f"--probe {asked.probe}: sees nothing of what --stimulus {asked.stimulus} changes")
    with ExitStack() as opened:
        chip = Chip() if asked.probe != "record" or asked.wiring.press_pin is not None else None
        if chip is not None:
            opened.callback(chip.close)
        probe_us, probe_way = 0.0, "stamped where the pin is written" if seen_by is None else "not calibrated"
        if chip is not None and asked.calibrate and seen_by:
            probe_us = probe_offset_us(chip, pins, lights, tones)
            probe_way = "least from the write of an output to its edge at the probe"
        target = opened.enter_context(
            local_target(folder, kind)
            if asked.config is None
            else given_target(folder, kind, asked.config, asked.wiring, chip, by_record=asked.probe == "record")
        )
        probe = _probe(asked, target, chip, lights, tones)
        samples, shown = _run(asked, target, probe, folder, told)
    seen = sorted(probe.seen, key=lambda one: one.t_ns)
    rows = [
        {"n": one.number, "kind": asked.stimulus, "sent_ns": one.sent_ns, "wire_us": round(target.wire_us, 3)}
        for one in samples.all
    ]
    _write(folder / "stimuli.jsonl", rows)
    _write(folder / "seen.jsonl", (one.line() for one in seen))
    result = report(
        samples,
        wire_us=target.wire_us,
        probe_us=probe_us,
        events=_events(target.events),
        cause=kind.cause,
        level=kind.lamp,  # a level's lamp has its name
    )
    conditions = {
        "bench": 1,
        "stimulus": asked.stimulus,
        "asked": asked.count,
        "seed": asked.seed,
        "timeout_s": asked.timeout_s,
        "probe": asked.probe,
        "light": samples.light,
        "sound": samples.sound,
        "shown": shown,
        "target": target.conditions,
        "offsets": {"wire": target.wire, "probe": probe_way},
        "probe_counters": dict(probe.counters),
        "asvkit": version("asvkit"),
        "python": platform.python_version(),
        "system": platform.platform(),
        "machine": _model(),
    }
    told_all = conditions | result | {"good": result["good"] and result["n"] == asked.count}
    (folder / "bench.json").write_text(json.dumps(told_all, indent=1) + "\n", encoding="utf-8")
    return told_all


def bench_lines(asked: Asked, pins: PinMap) -> tuple[dict[str, int], dict[str, int]]:
    """Input pins of the probe: those that see light, by lamp, and those that see a tone, by "buzzer"."""
    if asked.probe == "record":
        return {}, {}
    pin = getattr(pins.bench, asked.probe)
    if pin is None:
        raise UsageError(f"--probe {asked.probe}: the pin map has no [bench] {asked.probe}; wire it and name its pin")
    default = BUZZER if asked.probe == "microphone" else STIMULI[asked.stimulus].lamp
    name = asked.wired or default
    if name != BUZZER and name not in pins.lamps:
        raise UsageError(f"--wired: {name!r} is no lamp of the pin map, nor buzzer: {' '.join(pins.lamps)}")
    if (asked.probe == "microphone") > (name == BUZZER) or (asked.probe == "photodiode" and name == BUZZER):
        raise UsageError(f"--wired {name}: a {asked.probe} does not see that")
    return ({}, {BUZZER: pin}) if name == BUZZER else ({name: pin}, {})


def _pins(config: Path | None) -> PinMap:
    if config is None:
        return load_pins(None)
    from asvunit.config import load_config

    named = load_config(config).hmi.pins
    return load_pins(config.resolve().parent / named if named else None)


def _probe(asked: Asked, target: Target, chip: Chip | None, lights: dict[str, int], tones: dict[str, int]) -> Probe:
    if asked.probe == "record":
        assert target.record
        return RecordProbe(target.record)
    assert chip
    return EdgeProbe(chip, lights, tones)


def _run(
    asked: Asked, target: Target, probe: Probe, folder: Path, told: Callable[[Samples], Any]
) -> tuple[Samples, dict[str, Any]]:
    stimulus = STIMULI[asked.stimulus](target.car, target.press)
    with target.running(folder) as unit:
        try:
            unit.wait_ready(_READY_S)
            probe.start()
            time.sleep(_DRIVES_S)
            target.car.stop_at_the_line()
            time.sleep(_STANDS_S)

            def alive() -> None:
                if unit.exit_code is not None:
                    raise AsvkitError(f"the unit ended with code {unit.exit_code}: {_last_said(unit.error_path)}")

            bench = Bench(stimulus, probe, asked.seed, alive, asked.timeout_s)
            samples = bench.run(asked.count, told)
            return samples, {} if samples.ended else bench.look(asked.count)
        finally:
            unit.stop()
            probe.close()


def _last_said(path: Path) -> str:
    """The last line of what a unit said."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    return next((line for line in reversed(lines) if line.strip()), "without a word")


def _events(path: Path) -> list[dict[str, Any]]:
    """The unit's latency events; torn lines are none."""
    out = []
    try:
        with path.open("rb") as file:
            for line in file:
                if b'"latency"' in line:
                    try:
                        out.append(json.loads(line))
                    except ValueError:
                        continue
    except OSError:
        return []
    return [one for one in out if isinstance(one, dict)]


def _write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _model() -> str:
    try:
        return Path("/proc/device-tree/model").read_text(encoding="utf-8", errors="replace").rstrip("\0\n")
    except OSError:
        return platform.machine()
