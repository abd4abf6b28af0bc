"""Recorded sessions on a target: those that are there, whether each is sound, and what of a unit's life it holds."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from asvrig.targets.target import Event

from .bench import Bench

FOLDER: Final = "sessions"
RECORD: Final[dict[str, dict[str, Any]]] = {"record": {"folder": FOLDER, "free_mb": 0}}
_EXACT: Final = re.compile(r"(\d+) decisions?, all as recorded")
_ONE: Final = re.compile(r"\d{8}T\d{6}Z-v\d+\S*")
_LIVE_ONLY: Final = ("scene",)  # told to readers of the socket alone


@dataclass(frozen=True, slots=True)
class Checked:
    """A session that was found sound and replayed exactly."""

    name: str
    decisions: int
    events: list[Event]


def names(bench: Bench) -> set[str]:
    """Of the sessions on the target."""
    done = bench.target.command("ls", FOLDER)
    return set(_ONE.findall(done.out)) if done.code == 0 else set()


def check(bench: Bench, name: str) -> Checked:
    """Every file sound, every decision the same again; AssertionError with the finding."""
    path = f"{FOLDER}/{name}"
    bench.asvkit("session", "check", path)
    out = bench.asvkit("replay", path)
    found = _EXACT.search(out)
    assert found, f"{name}: {out}"
    return Checked(name, int(found[1]), recorded(bench, name))


def recorded(bench: Bench, name: str) -> list[Event]:
    """Its events of all parts; the last line may be torn."""
    listed = bench.target.command("ls", f"{FOLDER}/{name}").out.split()
    events: list[Event] = []
    for file in sorted(one for one in listed if one.startswith("events-")):
        *lines, _torn = bench.target.read(f"{FOLDER}/{name}/{file}").split(b"\n")
        events += [json.loads(line) for line in lines]
    return events


def missing(live: list[Event], told: list[Event], but_s: float) -> list[Event]:
    """Of the events seen live, those that the record lacks, less what came in the last `but_s` before the end."""
    last = max((one["t"] for one in live if "t" in one), default=0.0)
    wanted = [one for one in live if one.get("t", last) <= last - but_s and one["event"] not in _LIVE_ONLY]
    there = Counter(json.dumps(one, sort_keys=True) for one in told)
    lacking = []
    for one in wanted:
        key = json.dumps(one, sort_keys=True)
        if there[key] == 0:
            lacking.append(one)
        there[key] -= 1
    return lacking


def delete(bench: Bench, name: str) -> None:
    """Room for the next."""
    bench.target.command("rm", "-r", f"{FOLDER}/{name}")
