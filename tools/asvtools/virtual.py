"""A scenario in virtual time: its recordings generated and replayed through the unit as it is."""

import contextlib
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asvrig.scenario import Scenario


def replayed(scenario: "Scenario", folder: Path) -> list[dict[str, Any]]:
    """The events of the unit's replay of the scenario's recordings, which are left in `folder`."""
    from asvrig.generate import generate
    from asvtools.replay_command import replay

    recordings = generate(scenario, folder)
    with contextlib.redirect_stdout(io.StringIO()):  # its summary is for those who replay
        replay(
            gnss=recordings.gnss,
            can=recordings.can,
            vehicle=recordings.vehicle,
            radio=recordings.radio,
            supports=recordings.supports,
            config=recordings.config,
            events=folder / "events.jsonl",
            sent=folder / "sent.pcap",
        )
    return [json.loads(line) for line in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]
