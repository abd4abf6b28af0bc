"""docs/measuring.md says what the bench does: its options, stimuli, probes, pins and figures."""

import re
from pathlib import Path

import typer

from asvrig.latency.statistics import rank_bounds, share_at_most
from asvrig.latency.stimuli import STIMULI
from asvrig.latency.wires import serial_us
from asvtools.latency_bench import Probe, Stimulus, bench
from asvunit.pins import Bench

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "measuring.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[str]:
    """First cells of the table under a heading."""
    part = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(?:--probe )?([a-z][a-z-]*)`", part, re.MULTILINE)


def test_every_option_is_explained() -> None:
    app = typer.Typer()
    app.command()(bench)
    options = {name for parameter in typer.main.get_command(app).params for name in parameter.opts}
    assert {"--stimulus", "--press-pin", "--json", "-n"} <= options
    missing = {
        name
        for name in options - {"--count", "--help", "--install-completion", "--show-completion"}
        if not re.search(rf"{name}\b", PAGE)
    }
    assert missing == set()


def test_stimuli_and_probes_are_those_of_the_command() -> None:
    assert rows("The stimuli") == list(STIMULI) == [one.value for one in Stimulus]
    assert rows("Probes") == [one.value for one in Probe]
    assert set(Bench.model_fields) == {one.value for one in Probe} - {"record"}
    for name in Bench.model_fields:
        assert f"`bench.{name}`" in PAGE


def test_figures_are_right() -> None:
    first = {share: next(n for n in range(1, 2000) if rank_bounds(n, share)[1]) for share in (0.95, 0.99)}
    assert f"p99 has an\n  upper one from {first[0.99]} samples on, p95 from {first[0.95]}" in PAGE
    assert round(100 * share_at_most(0, 1000), 1) == 0.3
    assert "None of 1000 means at most 0.3 %" in PAGE
    assert [round(serial_us(142, baud) / 1000) for baud in (9600, 115_200)] == [148, 12]
    assert "142 bytes at 9600 baud take 148 ms, and at 115200 12 ms" in PAGE
