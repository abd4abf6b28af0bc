"""Opens the recorded inputs of a replay: NMEA, a CAN log with its signal map, a capture, other systems' supports."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from asvunit.adapters.can_log import CanLog
from asvunit.adapters.capture import Capture
from asvunit.adapters.nmea import NmeaFile
from asvunit.adapters.supports import SupportLog
from asvunit.adapters.vehicle_map import VehicleMap
from asvunit.errors import UsageError
from asvunit.map_file import search_near
from asvunit.replay import Inputs


def load_map(name: str | Path, log: Path | None, folders: Sequence[Path] = ()) -> VehicleMap:
    """A signal map; its database is also looked for beside the log and in the log's sibling folder `dbc`."""
    near = search_near(log) if log else []
    return VehicleMap.load(name, [*folders, *near])


def open_recordings(
    *,
    gnss: Path | None = None,
    can: Path | None = None,
    vehicle_map: VehicleMap | None = None,
    radio: Path | None = None,
    supports: Path | None = None,
    port: int = 47100,
    day: date | None = None,
    align_start: bool = False,
) -> Inputs:
    """Read what is given; UsageError when there is nothing to replay or no common time."""
    inputs = Inputs()
    if radio:
        capture = Capture(radio, port)
        frames = list(capture)
        inputs.add("radio", str(radio), frames, capture.counters)
    if can:
        if vehicle_map is None:
            raise UsageError(f"{can}: a CAN log needs its signal map; give --vehicle MAP.toml")
        log = CanLog(can)
        signals = [signal for message in log for signal in vehicle_map.decode(message)]
        inputs.add("can", str(can), signals, log.counters + vehicle_map.counters)
    if supports:
        said = SupportLog(supports)
        inputs.add("supports", str(supports), said, said.counters)
    if gnss:
        file = NmeaFile(gnss, day or _day_of(inputs))
        inputs.add("gnss", str(gnss), file, file.counters)
    if not inputs.names:
        raise UsageError("nothing to replay: give at least one of --gnss, --can with --vehicle, --radio, --supports")
    if not inputs.each():
        dropped = "; ".join(
            f"{inputs.names[port]}: {counted(counts) or 'nothing in it'}" for port, counts in inputs.counters.items()
        )
        raise UsageError(f"nothing to replay: no usable record in {dropped}")
    if align_start:
        inputs.align_starts()
    inputs.check_overlap()
    return inputs


def _day_of(inputs: Inputs) -> date | None:
    first_ns = inputs.first_ns()
    return None if first_ns is None else datetime.fromtimestamp(first_ns // 10**9, UTC).date()


def counted(counts: Counter[str]) -> str:
    """What was dropped, in words: "3 no_time, 1 time_back"."""
    return ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()) if count)
