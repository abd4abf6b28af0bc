"""A session as Parquet tables, one for each kind of record, for pandas, DuckDB and whatever else reads them."""

import contextlib
import json
from collections import Counter
from pathlib import Path
from typing import Any, Final

from asvtools import export_source as source
from asvtools.export_events import EVENTS, RECORDS
from asvtools.export_mcap import can_row
from asvtools.export_tables import FrameTable, RecordTable, Table
from asvtools.session_folder import Folder

_ALL_EVENTS: Final = "event:s cause:i json:s"
_TAKEN: Final = {source.FIX: "fixes", source.SIGNAL: "signals", source.SWITCH: "switches"}


def write_parquet(folder: Folder, out: Path, counters: Counter[str]) -> dict[str, int]:
    """Write the tables into a folder that exists; rows by table. OSError as the disk has it."""
    with _Tables(out) as tables:
        for item in source.taken(folder, counters, scenes=False):
            tables.record(_TAKEN[item.kind], RECORDS[item.kind]).add((item.time_ns, item.body))
        for item in source.receiver(folder, counters):
            name, told = "gnss_sentences", {"text": item.body}
            if item.kind == source.REPORT:
                name, told = "gpsd_reports", {"text": json.dumps(item.body, ensure_ascii=False)}
            tables.record(name, RECORDS["sentence"]).add((item.time_ns, told))
        for item in source.can(folder, counters):
            tables.record("can", RECORDS["can"]).add((item.time_ns, can_row(item.body)))
        for outbound, name in ((True, "frames_sent"), (False, "frames_heard")):
            for item in source.radio(folder, counters, outbound=outbound):
                tables.frames(name).add((item.time_ns, item.body))
        for item in source.words(folder, counters):
            tables.record("supports", RECORDS["word"]).add((item.time_ns, item.body))
        for item in source.events(folder, counters):
            _event(tables, item)
        return tables.close()


def _event(tables: "_Tables", item: source.Item) -> None:
    """In the table of all events, and in that of its kind."""
    event: dict[str, Any] = item.body
    kind = event["event"]
    told = {"event": kind, "cause": event.get("cause"), "json": json.dumps(event, ensure_ascii=False)}
    tables.record("events", _ALL_EVENTS).add((item.time_ns, told))
    if kind in EVENTS:
        name = "latency" if kind == "latency" else f"events_{kind}"
        tables.record(name, EVENTS[kind]).add((item.time_ns, event))


class _Tables:
    """Tables that are opened as they are needed first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = contextlib.ExitStack()
        self._tables: dict[str, Table] = {}

    def __enter__(self) -> "_Tables":
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def record(self, name: str, text: str) -> Table:
        """The table of records of these keys."""
        found = self._tables.get(name)
        return found or self._open(name, RecordTable(self._path(name), text))

    def frames(self, name: str) -> Table:
        """A table of frames of the air."""
        found = self._tables.get(name)
        return found or self._open(name, FrameTable(self._path(name)))

    def close(self) -> dict[str, int]:
        for table in self._tables.values():
            table.close()
        return {name: table.rows for name, table in sorted(self._tables.items())}

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.parquet"

    def _open(self, name: str, table: Table) -> Table:
        self._tables[name] = self._stack.enter_context(table)
        return table
