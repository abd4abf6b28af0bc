"""`asvkit replay`: recorded inputs, offline, events and sent frames out; of a recorded session, its journal."""

import contextlib
import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TextIO

import typer

from asvtools import recorded
from asvtools.recorded import Align, Recorded, open_recorded, option
from asvunit.errors import AsvkitError, UsageError

if TYPE_CHECKING:
    from asvunit.events import Event
    from asvunit.ports import RadioFrame

# Reasons that report a fault of a frame which is used all the same
_USED: Final = frozenset(
    ["counter_stuck", "emergency_unverified", "jump", "twin", "target_frozen", "clock_disagrees", "own_id"]
)


def replay(
    session: Annotated[
        Path | None, typer.Argument(metavar="SESSION", help="Folder of a recorded session.", show_default=False)
    ] = None,
    gnss: recorded.Gnss = None,
    can: recorded.Can = None,
    vehicle: recorded.Vehicle = None,
    radio: recorded.Radio = None,
    supports: recorded.Supports = None,
    config: recorded.ConfigFile = None,
    events: Annotated[Path | None, option("--events", "OUT.jsonl", "Write the events; '-' is stdout.")] = None,
    sent: Annotated[Path | None, option("--sent", "OUT.pcap", "Write the sent frames, .pcap or .pcapng.")] = None,
    capture: Annotated[
        Path | None, option("--capture", "OUT.pcapng", "Write sent and received frames, with why one was not used.")
    ] = None,
    journal: Annotated[Path | None, option("--journal", "OUT", "Write the journal of the core's inputs.")] = None,
    seed: recorded.Seed = None,
    day: recorded.Day = None,
    align: recorded.Alignment = Align.ABSOLUTE,
    databases: recorded.Databases = None,
    buses: recorded.Buses = None,
    speed: Annotated[
        float | None, option("--speed", "N", "Of a session: 1 as it was; 0, the default: as fast as it goes.")
    ] = None,
    begin: Annotated[
        str | None, option("--from", "T", "Of a session: show it from here, HH:MM:SS (UTC) or seconds.")
    ] = None,
    view: Annotated[bool, typer.Option("--view", help="Of a session: the driver's view, here.")] = False,
    from_raw: Annotated[
        bool, typer.Option("--from-raw", help="Of a session: its raw inputs, as with another --config.")
    ] = False,
) -> None:
    """Recorded inputs through the unit, offline: frames and warnings as they would have been live.

    SESSION: its journal again, every decision compared with the recorded ones; exit 1 names the first that differs.
    """
    if session is None and (speed is not None or begin is not None or view or from_raw):
        raise UsageError("--speed, --from, --view and --from-raw are of a session: name its folder")
    if session is not None:
        given = (gnss, can, vehicle, radio, supports, day, databases, buses)
        if any(one is not None for one in given) or align is not Align.ABSOLUTE:
            raise UsageError(f"{session}: it holds all inputs; give it without others")
        if not from_raw:
            if any(one is not None for one in (config, sent, capture, journal, seed)):
                raise UsageError(
                    f"{session}: its decisions are made again as they were; --config, --seed, --sent, --capture and "
                    "--journal go with --from-raw"
                )
            from asvtools.replay_session import replay_session

            replay_session(session, speed or 0, begin, events, view)
            return
        if speed is not None or begin is not None or view:
            raise UsageError("--speed, --from and --view go with a session's journal, not with --from-raw")
    if capture and capture.suffix.lower() != ".pcapng":
        raise UsageError(f"--capture: {capture}: pcap knows neither direction nor comments; name a file .pcapng")
    outputs = [sent, capture, journal, None if str(events) == "-" else events]
    if session is not None:
        from asvtools.replay_raw import open_raw

        opened = open_raw(session, config, seed, outputs)
    else:
        opened = open_recorded(
            gnss=gnss,
            can=can,
            vehicle=vehicle,
            radio=radio,
            supports=supports,
            config=config,
            seed=seed,
            day=day,
            align=align,
            databases=databases,
            buses=buses,
            written=outputs,
        )
    try:
        with contextlib.ExitStack() as stack:
            played = _Played(stack, opened, events, sent, journal, capture)
            played.run()
    except BrokenPipeError:
        raise
    except OSError as error:
        names = " or ".join(str(path) for path in (events, journal) if path)
        raise AsvkitError(f"{names}: cannot be written: {error.strerror or error}; make room and repeat") from error
    if str(events) != "-":
        played.summary()


class _Played:
    """One replay: the unit, where its outputs go, and what is said of them at the end."""

    def __init__(
        self,
        stack: contextlib.ExitStack,
        opened: Recorded,
        events: Path | None,
        sent: Path | None,
        journal: Path | None,
        capture: Path | None,
    ) -> None:
        from asvunit.adapters.capture import CaptureWriter
        from asvunit.authority import ACCEPTED
        from asvunit.clock import UnitClock
        from asvunit.identity import ignition_mac
        from asvunit.journal import JournalWriter

        self.inputs = opened.inputs
        self.first_ns, self.last_ns = opened.inputs.span_ns()
        self.tally: Counter[str] = Counter()
        self._lines = stack.enter_context(_output(events)) if events else None
        self._frames = stack.enter_context(CaptureWriter(sent, outbound=True)) if sent else None
        self._capture = stack.enter_context(CaptureWriter(capture, outbound=True)) if capture else None
        self._port = opened.config.radio.port
        self._accepted = ACCEPTED
        self._remark = ""  # what was said of the frame that is taken
        log = stack.enter_context(_output(journal)) if journal else None
        self.unit = opened.unit(
            UnitClock(self.first_ns),
            sink=self._event,
            send=self._send,
            journal=JournalWriter(log, opened.settings) if log else None,
        )
        self._mac = ignition_mac(self.unit.seed)

    def run(self) -> None:
        from asvunit.replay import play

        self._event(self.unit.start_event(self.first_ns))
        play(self.unit, self.inputs, self.first_ns, self.last_ns, self._heard)

    def _send(self, time_ns: int, frame: bytes) -> None:
        if self._frames:
            self._frames.write(time_ns, frame, self._mac)
        if self._capture:
            self._capture.write(time_ns, frame, self._mac)

    def _heard(self, frame: "RadioFrame") -> None:
        if self._capture:
            self._capture.heard(frame, self._remark, self._port)
        self._remark = ""

    def _event(self, event: "Event") -> None:
        kind = event["event"]
        if kind in ("drop", "trailer") and event["cause"] and event["reason"] != self._accepted:
            self._remark = self._remark or event["reason"]
        if kind == "drop":
            word = "reported" if event["reason"] in _USED else "dropped"
            self.tally[f"{word}: {event['reason']}"] += 1
        if kind == "support" and event["presented"]:
            self.tally[f"support: {event['function']} {event['level']} ({event['reason']})"] += 1
        if self._lines:
            self._lines.write(json.dumps(event, ensure_ascii=False) + "\n")

    def summary(self) -> None:
        """What was read, sent and said, for a person."""
        from asvunit.authority import ACCEPTED
        from asvunit.recordings import counted
        from asvunit.replay import stamp

        unit, inputs = self.unit, self.inputs
        typer.echo(
            f"replayed {stamp(self.first_ns)} to {stamp(self.last_ns)}: "
            f"{unit.sent} frames sent as vehicle {unit.vehicle_id}"
        )
        nouns = {"gnss": "fixes", "can": "signals", "radio": "frames", "supports": "words"}
        for port, name in inputs.names.items():
            dropped = counted(inputs.counters[port])
            count = len(inputs.records.get(port, ()))
            typer.echo(f"  {port:<8} {count} {nouns[port]} from {name}" + (f" ({dropped})" if dropped else ""))
        refused = {f"trailer: {verdict}": count for verdict, count in unit.trailers.items() if verdict != ACCEPTED}
        for key, count in sorted((self.tally | Counter(refused)).items()):
            typer.echo(f"  {key}: {count}")


def _output(path: Path) -> "contextlib.AbstractContextManager[TextIO]":
    if str(path) == "-":
        return contextlib.nullcontext(sys.stdout)
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}; give another path") from error
