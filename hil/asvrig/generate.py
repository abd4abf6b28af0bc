"""Writes a scenario as the recordings of its drive: NMEA and CAN log of ego, capture of what its radio receives,
what other support systems say.

The files are what `asvkit replay` takes; beside them stand ego's configuration, for its kind, length and class and
what the scenario asks of its unit, and the map of intersections that it names, if there are any.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from asvrig.can_feed import CanFeed
from asvrig.gnss_feed import sentences
from asvrig.radio_feed import all_messages
from asvrig.scenario import Scenario
from asvrig.unit_config import replay_config, write_intersections
from asvunit.adapters.capture import CaptureWriter
from asvunit.errors import AsvkitError

_REPEAT_MS = 100  # another system's word, in its span


@dataclass(frozen=True, slots=True)
class Recordings:
    """The files of one scenario; None: there is no such input."""

    gnss: Path
    can: Path | None
    vehicle: str | None
    radio: Path | None
    config: Path
    supports: Path | None = None

    def arguments(self) -> list[str]:
        """What `asvkit replay` is given."""
        out = ["--gnss", str(self.gnss), "--config", str(self.config)]
        if self.can and self.vehicle:
            out += ["--can", str(self.can), "--vehicle", self.vehicle]
        for option, path in (("--radio", self.radio), ("--supports", self.supports)):
            out += [option, str(path)] if path else []
        return out


def generate(scenario: Scenario, folder: Path) -> Recordings:
    """The scenario's recordings in a folder that exists."""
    ego = scenario.ego
    heard = all_messages(scenario)
    recordings = Recordings(
        gnss=folder / "ego.nmea",
        can=folder / "ego.log" if ego.can else None,
        vehicle=ego.can or None,
        radio=folder / "radio.pcapng" if heard else None,
        config=folder / "unit.toml",
        supports=folder / "supports.jsonl" if scenario.external else None,
    )
    try:
        recordings.gnss.write_bytes(b"".join(line for _time, line in sentences(scenario, ego)))
        recordings.config.write_text(replay_config(ego, scenario), encoding="utf-8")
        write_intersections(scenario, folder)
        if recordings.can:
            recordings.can.write_text(_candump(scenario), encoding="ascii")
        if recordings.supports:
            recordings.supports.write_text("".join(_words(scenario)), encoding="ascii")
        if recordings.radio:
            with CaptureWriter(recordings.radio) as capture:
                for time_ns, mac, payload in heard:
                    capture.write(time_ns, payload, mac)
    except OSError as error:
        raise AsvkitError(f"{error.filename or folder}: cannot be written: {error.strerror or error}") from error
    return recordings


def _words(scenario: Scenario) -> Iterator[str]:
    """The lines of the other support systems, in the order of their times."""
    spans = [(round(one.from_s * 1000), round(one.to_s * 1000), one) for one in scenario.external]
    said = [(at_ms, one) for from_ms, to_ms, one in spans for at_ms in range(from_ms, to_ms + 1, _REPEAT_MS)]
    start_ms = round(scenario.start.timestamp() * 1000)
    for at_ms, one in sorted(said, key=lambda word: word[0]):
        word = one.model_dump(include={"origin", "function", "level", "direction"})
        yield json.dumps({"t": (start_ms + at_ms) / 1000} | word) + "\n"


def _candump(scenario: Scenario) -> str:
    lines = []
    for time_ns, identifier, extended, data in CanFeed(scenario.ego).frames(scenario):
        second, rest = divmod(time_ns // 1000, 10**6)
        lines.append(f"({second}.{rest:06d}) can0 {identifier:0{8 if extended else 3}X}#{data.hex().upper()}\n")
    return "".join(lines)
