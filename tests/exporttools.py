"""A recorded session of a scenario: its recordings, played, laid down in the form of a session's folder."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from asvrig.generate import generate
from asvrig.scenario import load_scenario
from asvtools.cli import run
from asvunit.adapters.capture import Capture
from asvunit.session.form import VERSION, part_name
from asvunit.session.lines import tag_block

SCENARIO = "crossing_two"
SECONDS = 13.0  # enough for both of its cautions
_RMC = re.compile(r"\$G.RMC,(\d\d)(\d\d)(\d\d)(?:\.(\d+))?,.*")


_MADE: list[Path] = []


def once(folders: pytest.TempPathFactory) -> Path:
    """One for all tests of this run; they leave it as it is."""
    if not _MADE:
        _MADE.append(session(folders.mktemp("drive")))
    return _MADE[0]


def session(folder: Path, scenario: str = SCENARIO, ended: bool = True) -> Path:
    """A whole session below `folder`; `ended` False: it was cut."""
    drive = load_scenario(scenario).model_copy(update={"duration_s": SECONDS})
    given = folder / "recordings"
    given.mkdir(parents=True)
    recordings = generate(drive, given)
    made = folder / "20260401T000000Z-v1"
    made.mkdir()
    events, journal, capture = given / "events.jsonl", given / "journal.txt", given / "both.pcapng"
    arguments = ["--events", str(events), "--journal", str(journal), "--capture", str(capture)]
    assert run(["replay", *recordings.arguments(), *arguments]) == 0
    told = [json.loads(line) for line in events.read_text("utf-8").splitlines()]
    zero_ns = round(told[0]["t"] * 1e6) * 1000
    (made / part_name("radio", 1)).write_bytes(capture.read_bytes())
    (made / part_name("journal", 1)).write_text(_named(journal.read_text("ascii"), Capture(capture)), "ascii")
    (made / part_name("events", 1)).write_text("".join(_lines(told)), "utf-8")
    (made / part_name("gnss", 1)).write_bytes(_tagged(recordings.gnss.read_text("ascii"), zero_ns))
    if recordings.can:
        (made / part_name("can", 1)).write_bytes(recordings.can.read_bytes())
    (made / "unit.toml").write_bytes(recordings.config.read_bytes())
    tomllib.loads((made / "unit.toml").read_text("utf-8"))
    write(
        made / "session.json",
        {
            "session": VERSION, "asvkit": "0.1.0", "git": "0123456789abcdef+", "started": "2026-04-01T00:00:00.000000Z",
            "vehicle_id": told[0]["vehicle_id"], "seed": 1, "language": "en", "base_ns": zero_ns, "offset_ns": 0,
            "config": "unit.toml", "pins_sha256": None, "python": "3.11.2", "machine": "aarch64", "kernel": "6.1",
            "packages": {}, "radio": {"kind": "udp", "address": "127.255.255.255", "port": 47100}, "files": {},
            "can": [{"channel": "can0", "bus": "main"}],
        },
    )  # fmt: skip
    if ended:
        write(made / "end.json", {"ended": "2026-04-01T00:01:00.000000Z", "reason": "sigterm", "parts": 1, "lost": 0})
    return made


def write(path: Path, told: dict[str, Any]) -> None:
    """One JSON object."""
    path.write_text(json.dumps(told, indent=2) + "\n", "utf-8")


def events(folder: Path) -> list[dict[str, Any]]:
    """Those of its first part."""
    return [json.loads(line) for line in (folder / part_name("events", 1)).read_text("utf-8").splitlines()]


def _lines(told: list[dict[str, Any]]) -> list[str]:
    """The events of the replay, with what a live unit tells besides."""
    lines = []
    for event in told:
        lines.append(json.dumps(event, ensure_ascii=False) + "\n")
        if event["event"] == "hmi":
            ledger = {
                "t": event["t"], "event": "latency", "level": event["level"], "function": event["function"],
                "cue": event["cue"], "cause": event["cause"], "input": "frame", "stamp_ns": 1, "parsed_us": 10.0,
                "taken_us": 20.0, "decoded_us": 30.0, "judged_us": 40.0, "decided_us": 50.0, "commanded_us": 60.0,
                "lit_us": 1500.0, "sounded_us": 2500.0, "written_us": 3000.0,
            }  # fmt: skip
            lines.append(json.dumps(ledger) + "\n")
    quantiles = {"count": 100, "p50_us": 10.0, "p95_us": 20.0, "p99_us": 30.0, "max_us": 40.0}
    statistics = {
        "t": told[-1]["t"], "event": "statistics", "cause_to_pin": quantiles, "cycle_late": quantiles, "neighbours": 2,
        "counters": {"gnss": {"bad_checksum": 1}}, "sender": {"sent": 5, "missed": 0},
    }  # fmt: skip
    return [
        *lines,
        json.dumps(statistics) + "\n",
        json.dumps({"t": told[-1]["t"], "event": "stop", "reason": "sigterm"}) + "\n",
    ]


def _named(journal: str, capture: Capture) -> str:
    """With the name of each source before its first message, as a live unit writes it; by the order they came in."""
    names = list(dict.fromkeys(frame.source for frame in capture))
    lines, told = [], set[int]()
    for line in journal.splitlines():
        source = int(line.split()[3]) if line.startswith("M ") else -1
        if source >= 0 and source not in told:
            told.add(source)
            lines.append(f"# source {source} {names[source]}")
        lines.append(line)
    return "\n".join(lines) + "\n"


def _tagged(text: str, zero_ns: int) -> bytes:
    """The sentences behind TAG blocks: received 50 ms after the time of day that the last RMC told."""
    day_ms = zero_ns // 1_000_000 // 86_400_000 * 86_400_000
    at_ms, out = zero_ns // 1_000_000, b""
    for line in text.splitlines():
        found = _RMC.fullmatch(line)
        if found:
            hour, minute, second = (int(found[number]) for number in (1, 2, 3))
            at_ms = day_ms + ((hour * 60 + minute) * 60 + second) * 1000 + int((found[4] or "0").ljust(3, "0")[:3]) + 50
        out += tag_block(at_ms) + line.encode() + b"\r\n"
    return out
