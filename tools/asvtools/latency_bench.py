"""`asvkit latency bench`: how long light and sound take from a stimulus, measured again and again, at random phase."""

import json
import sys
import tempfile
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from asvunit.errors import AsvkitError, UsageError

if TYPE_CHECKING:
    from asvrig.latency.bench import Samples

_WIDTH: Final = 40  # of the histogram
_BINS: Final = 14
_SHOWN: Final = 0.97  # of the samples, at least
_LIGHTS: Final = {
    "off": "stays dark",
    "steady": "is lit steadily",
    "caution": "flashes as caution does, 200 ms lit, 200 ms dark",
    "warning": "flashes as warning does, 100 ms lit, 100 ms dark",
    "other": "flashes as no level does",
}
_NAMES: Final = {"light": "light", "sound": "sound", "all": "light and sound"}


class Stimulus(StrEnum):
    """What is done to the unit."""

    can = "can"
    radio = "radio"
    gnss = "gnss"
    switch = "switch"


class Probe(StrEnum):
    """By what light and sound are seen."""

    record = "record"
    loopback = "loopback"
    photodiode = "photodiode"
    microphone = "microphone"


def bench(
    stimulus: Annotated[
        Stimulus,
        typer.Option(help="can: the winker; radio: a vehicle's first frame; gnss: the first fix; switch: request."),
    ],
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=1_000_000, help="Samples.")] = 1000,
    config: Annotated[
        Path | None,
        typer.Option(help="The unit of this configuration; none: one with stand-ins, on this machine.", metavar="FILE"),
    ] = None,
    probe: Annotated[
        Probe, typer.Option(help="record: of mock pins; else an input of the pin map's [bench].")
    ] = Probe.record,
    wired: Annotated[str, typer.Option(help="Lamp that loopback or photodiode is at, or buzzer.", metavar="NAME")] = "",
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="First measure what the probe itself adds; it is subtracted.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the random phases.")] = 1,
    keep: Annotated[
        Path | None, typer.Option(help="Keep all files in this folder, for asvkit latency FOLDER.", metavar="DIR")
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.3, max=60, help="A sample not seen so many seconds after is missing.", metavar="S")
    ] = 1.5,
    can: Annotated[
        str | None, typer.Option(help="With --config: own adapter on its bus, as socketcan:can1.", metavar="BUS")
    ] = None,
    gnss: Annotated[
        str | None, typer.Option(help="With --config: serial device wired to its receiver input.", metavar="DEVICE")
    ] = None,
    radio_interface: Annotated[
        str | None, typer.Option(help="With --config and ocb: own interface on the air.", metavar="NAME")
    ] = None,
    press_pin: Annotated[
        int | None,
        typer.Option(min=2, max=27, help="With --config: output wired to its request switch.", metavar="BCM"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Measure a running unit from a stimulus to the lamp and the buzzer, and judge it by 0.3 s [G 3.4(4)].

    Exit code 1: a sample is missing, or one took longer.
    """
    from asvrig.latency.session import Asked, measure
    from asvrig.latency.target import Wiring

    wiring = Wiring(can, gnss, radio_interface, press_pin)
    if config is None and wiring != Wiring():
        raise UsageError("--can, --gnss, --radio-interface, --press-pin: belong to the unit of a --config FILE")
    if config is None and probe is not Probe.record:
        raise UsageError(f"--probe {probe}: sees real pins; give the unit that drives them: --config FILE")
    if probe is Probe.record and (wired or calibrate):
        raise UsageError("--wired, --calibrate: belong to a probe of real pins; the record sees all of them")
    with ExitStack() as opened:
        if keep is None:
            folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="asvkit-bench-")))
        else:
            folder = _folder(keep)
        asked = Asked(stimulus, count, probe, seed, config, wired, calibrate, wiring, timeout)
        result = measure(asked, folder, _Progress(count) if sys.stderr.isatty() else lambda _samples: None)
        if as_json:
            typer.echo(json.dumps(result))
        else:
            _tell(result)
    if not result["good"]:
        raise AsvkitError(verdict(result))


def verdict(result: dict[str, Any]) -> str:
    """In one line: what was found, of all that was asked for."""
    n, asked, limit_ms = result["n"], result["asked"], result["limit_us"] / 1000
    faults = []
    if result["ended"]:
        faults.append(f"ended after {n} of {asked} samples: {result['ended']}")
    elif n + result["early"] < asked:
        faults.append(f"{n} of {asked} samples were taken")
    if result["early"]:
        faults.append(f"{result['early']} of {n + result['early']} were lit before the stimulus and tell nothing")
    if result["missing"]:
        faults.append(f"{result['missing']} of {n} were not seen within {result['timeout_s']:g} s")
    late = result["over"] - result["missing"]
    if late:
        faults.append(f"{late} of {n} took longer than {limit_ms:g} ms")
    if faults:
        return "; ".join(faults)
    worst = result["net_us"]["all"]["max"] / 1000
    share = 100 * result["net_us"]["all"]["over_limit_share_at_most"]
    return (
        f"all {n} within {limit_ms:g} ms, the longest took {worst:.2f} ms; "
        f"with {100 * result['confidence']:g} % confidence at most {share:.2g} % of changes take longer"
    )


class _Progress:
    """How far it is, on one line of a terminal."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __call__(self, samples: "Samples") -> None:
        done = len(samples.all)
        if done % 5 == 0 or done == self._count:
            looked = [f"{what}_ns" for what in ("light", "sound") if getattr(samples, what)]
            missing = sum(any(getattr(one, name) is None for name in looked) for one in samples.all)
            end = "\n" if done == self._count else ""
            typer.echo(f"\r{done} of {self._count}, {missing} missing{end}", err=True, nl=False)


def _folder(path: Path) -> Path:
    """An empty folder of that name; UsageError where there is none to be had: no measurement is mixed with another."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise UsageError(f"--keep: {path}: is not empty; name a new folder")
    except OSError as error:
        raise UsageError(f"--keep: {path}: {error.strerror}; name a folder to write in") from error
    return path


def _tell(result: dict[str, Any]) -> None:
    target = result["target"]
    typer.echo(
        f"{result['stimulus']}: {result['n']} samples at random phase, seen by {result['probe']}, "
        f"unit: {target['target']} (seed {result['seed']})"
    )
    offset, way = result["offset_us"], result["offsets"]
    typer.echo(
        f"subtracted: {offset['wire']:.0f} us ({way['wire']}) + {offset['probe']:.0f} us of the probe ({way['probe']})"
    )
    heads = "".join(f"{head:<24}" for head in ("p50", "p95", "p99"))
    typer.echo(f"\n  {'ms':<17}{heads}{'max':>8}{'missing':>10}")
    for name, figures in result["net_us"].items():
        if "p50" in figures:
            cells = "".join(f"{_interval(figures[key]):<24}" for key in ("p50", "p95", "p99"))
            typer.echo(f"  {_NAMES[name]:<17}{cells}{_ms(figures['max']):>8}{figures['missing']:>10}")
    typer.echo(f"  in brackets: {100 * result['confidence']:g} % confidence, whatever the distribution")
    for line in _shown(result["shown"], result):
        typer.echo(line)
    if result["times_ms"]:
        typer.echo("\n" + "\n".join(_histogram(result["times_ms"])))
    if result["hops"]:
        kinds = ", ".join(f"{count} by {kind}" for kind, count in sorted(result["by_input"].items()))
        typer.echo(f"\n  where the time goes, by the unit's own word ({kinds}); us")
        typer.echo("  to                 p50       p95       p99       max")
        for row in result["hops"]:
            typer.echo(f"  {row['to']:<12}" + "".join(f"{row[key]:>10.0f}" for key in ("p50", "p95", "p99", "max")))
    if result["good"]:
        typer.echo(f"\ngood: {verdict(result)}")


def _shown(shown: dict[str, Any], result: dict[str, Any]) -> list[str]:
    """What the lamp and the buzzer do, by a stimulus that was held for some seconds."""
    lines = []
    if "light" in shown:
        lines.append(f"  the lamp {result['light']} {_LIGHTS[shown['light']]}")
    if "tones_hz" in shown:
        tones = " and ".join(f"{hz} Hz" for hz in shown["tones_hz"])
        lines.append(f"  the buzzer {f'sounds {tones}' if tones else 'is silent'}")
    return lines


def _histogram(times_ms: list[float]) -> list[str]:
    """Bars of equal width; the slowest few, where they would squeeze all others into one bar, share the last line."""
    from asvrig.latency.statistics import histogram, rank

    times_ms = sorted(times_ms)
    most_ms = times_ms[rank(len(times_ms), _SHOWN) - 1]
    if times_ms[-1] < 2 * most_ms:
        most_ms = times_ms[-1]
    shown = [one for one in times_ms if one <= most_ms]
    bins = histogram(shown, _BINS)
    tallest = max(count for _low, _high, count in bins)
    digits = 0 if bins[0][1] - bins[0][0] > 0.99 else 2
    lines = [
        f"  {low:>8.{digits}f} to {high:>8.{digits}f} ms {'#' * -(-count * _WIDTH // tallest):<{_WIDTH}} {count}"
        for low, high, count in bins
    ]
    if len(shown) < len(times_ms):
        lines.append(f"  {'up to':>11} {times_ms[-1]:>8.{digits}f} ms {'':<{_WIDTH}} {len(times_ms) - len(shown)}")
    return lines


def _interval(figure: dict[str, float | None]) -> str:
    low, high = figure["low"], figure["high"]
    bounds = f"[{_ms(low) if low is not None else '?'}, {_ms(high) if high is not None else '?'}]"
    return f"{_ms(figure['value'])} {bounds}"


def _ms(us: float | None) -> str:
    return "missing" if us is None else f"{us / 1000:.2f}"
