"""docs/sessions.md names the files of a session, the commands and their options, topics and tables as they are."""

import re
from pathlib import Path

import pytest
import typer

import watchtools
from asvtools.export_events import EVENTS, fits, keys
from asvtools.session_command import app
from asvunit.session import form
from sessiontools import Recorded

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "sessions.md").read_text(encoding="utf-8")


def section(name: str) -> str:
    """The page from one heading to the next."""
    return PAGE.partition(f"\n## {name}")[2].partition("\n## ")[0]


def test_every_file_of_a_session_is_explained() -> None:
    told = set(re.findall(r"`([\w-]+\.\w+|files/)`", section("What is in the folder")))
    parts = {form.part_name(kind, 2 if kind == form.CHECKPOINT else 1) for kind in form.SUFFIXES}
    assert told >= parts | {form.SESSION, form.UNIT, form.END, f"{form.FILES}/"}


def test_every_command_shown_is_one_and_none_is_missing() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    shown = re.findall(r"asvkit session (\w+)([^\n#`]*)", PAGE)
    assert {name for name, _rest in shown} == set(commands)
    for name, rest in shown:
        options = {option for one in commands[name].params for option in [*one.opts, *one.secondary_opts]}
        assert set(re.findall(r"--[a-z-]+", rest)) <= options, name
    negated = {option for command in commands.values() for one in command.params for option in one.secondary_opts}
    assert set(re.findall(r"`(--no-[a-z]+)`", PAGE)) == negated


@pytest.mark.parametrize("kind", EVENTS)
def test_the_keys_of_exported_events_are_those_of_the_contract(kind: str) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "contracts.md").read_text(encoding="utf-8")
    tables = page.partition("\n## Events")[2].partition("\n### ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", tables, re.MULTILINE))
    if kind == "start":
        rows["start"] = " ".join(re.findall(r"(?<=`start` )[^.]*", tables))
    own = {key for key, _type in keys(EVENTS[kind])} - {"cause", "count"}  # told for all of them, or in the text
    assert own <= set(re.findall(r"\w+", rows[kind]))


def test_no_key_of_a_live_units_events_is_left_out(tmp_path: Path) -> None:
    """Each has its column, and is of the column's type."""
    bench = Recorded(tmp_path / "session")
    bench.standing()
    bench.approach(1500)
    bench.run(9000)
    bench.end()
    seen = set()
    for event in [*bench.events, *watchtools.EVENTS]:
        kind = event["event"]
        if kind == "scene":
            continue
        types = dict(keys(EVENTS[kind]))
        seen.add(kind)
        assert event.keys() - {"t", "event"} <= types.keys(), event
        assert not [key for key, value in event.items() if key in types and not fits(value, types[key])], event
    assert seen >= {"support", "hmi", "latency", "statistics", "status", "signal", "outputs", "radio", "own_message"}
