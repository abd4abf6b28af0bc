"""The form of a session's folder, version 1: names, and what stands in each file. Writer and readers go by it.

    session.json            who, when, with what: written once at the start; a folder without it is no session
    unit.toml               the configuration as it was given
    files/                  what it names: signal map and database, pin map, map of intersections; never a private key
    journal-0001.txt        the core's inputs (`asvcore.journal`): from these the decisions are given again
    events-0001.jsonl       the unit's events
    gnss-0001.nmea          the receiver's sentences, each behind a TAG block with the Unix time of its receipt in ms
    gpsd-0001.jsonl         of a gpsd, in its place: {"t": receipt, "report": what it said}
    can-0001.log            candump's log, Unix times of receipt
    radio-0001.pcapng       sent and heard
    supports-0001.jsonl     other systems' supports, as `asvkit replay --supports` reads them
    checkpoint-0002.json    the core's state where part 2's journal begins
    end.json                how it ended; absent: it was cut (killed, power lost), or still runs. `lost`: lines of
                            the journal missing at its end, beyond what checkpoints tell; `lost_by_kind`: all of it

A part is what has one number. After a part that lost something (`lost` in the next part's checkpoint) a replay goes
on from that checkpoint. `.lock` is held by the unit that writes.
"""

import re
from pathlib import Path
from typing import Final

VERSION: Final = 1
SESSION, UNIT, FILES, END, LOCK = "session.json", "unit.toml", "files", "end.json", ".lock"
JOURNAL, EVENTS, GNSS, GPSD, CAN, RADIO, SUPPORTS, CHECKPOINT = (
    "journal", "events", "gnss", "gpsd", "can", "radio", "supports", "checkpoint",
)  # fmt: skip
SUFFIXES: Final = {
    JOURNAL: "txt",
    EVENTS: "jsonl",
    GNSS: "nmea",
    GPSD: "jsonl",
    CAN: "log",
    RADIO: "pcapng",
    SUPPORTS: "jsonl",
    CHECKPOINT: "json",
}
_PART: Final = re.compile(r"([a-z]+)-(\d{4,})\.([a-z]+)")


def part_name(kind: str, part: int) -> str:
    """File of a part, from 1 on."""
    return f"{kind}-{part:04d}.{SUFFIXES[kind]}"


def part_of(name: str) -> tuple[str, int] | None:
    """(kind, part) of a file's name; None of one that is no part's."""
    found = _PART.fullmatch(name)
    if found is None or SUFFIXES.get(found[1]) != found[3]:
        return None
    return found[1], int(found[2])


def is_session(folder: Path) -> bool:
    """Whether a folder is one."""
    return (folder / SESSION).is_file()
