"""Opens the recorded inputs of a replay: NMEA, a CAN log with its signal map, a capture, other systems' supports."""

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, cast

import can as python_can

from asvunit.adapters.can_log import CanLog
from asvunit.adapters.capture import Capture
from asvunit.adapters.nmea import NmeaFile
from asvunit.adapters.supports import SupportLog
from asvunit.can_channels import Channels
from asvunit.can_formats.lines import Channel, Identifier
from asvunit.errors import UsageError
from asvunit.ports import VehicleSignal
from asvunit.replay import Inputs
from asvunit.vehicle import VehicleMap
from asvunit.vehicle.database import search_near

_DISORDER_S: Final = 1.0  # a longer step back begins another drive


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
    buses: Mapping[str, str] | None = None,
) -> Inputs:
    """Read what is given; UsageError when there is nothing to replay or no common time.

    `buses`: channel of the CAN log by bus of the map, where the user says so.
    """
    inputs = Inputs()
    if radio:
        capture = Capture(radio, port)
        frames = list(capture)
        inputs.add("radio", str(radio), frames, capture.counters)
    if can:
        if vehicle_map is None:
            raise UsageError(f"{can}: a CAN log needs its signal map; give --vehicle MAP.toml")
        told, signals, counters = read_can(can, vehicle_map, buses or {})
        inputs.add("can", told, signals, counters)
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


def read_can(
    path: Path, vehicle_map: VehicleMap, buses: Mapping[str, str]
) -> tuple[str, list[VehicleSignal], Counter[str]]:
    """The log as told to people (with its channels, where there was a choice), its signals, and what was dropped."""
    identifiers = [vehicle_map.identifiers(bus) for bus in range(len(vehicle_map.buses))]
    log = CanLog(path, {identifier for each in identifiers for identifier in each})
    messages = list(log)
    counters = log.counters
    seen: dict[Channel, Counter[Identifier]] = {}
    for message in messages:
        of_channel = seen.setdefault(_channel(message), Counter())
        of_channel[message.arbitration_id, message.is_extended_id] += 1
    channels = Channels(vehicle_map.buses, vehicle_map.channels, identifiers)
    assigned = channels.assign(seen, buses)
    feeds = _feeds(assigned, identifiers)
    signals: list[VehicleSignal] = []
    for message in in_order(messages, counters):
        taking = feeds.get((_channel(message), message.arbitration_id, message.is_extended_id), ())
        if len(taking) == 1:
            signals += vehicle_map.decode(message, taking[0])
        else:
            counters["ambiguous_bus" if taking else "other_channel"] += 1
    told = channels.told(seen, assigned)
    return f"{path} ({told})" if told else str(path), signals, counters + vehicle_map.counters


def _feeds(
    assigned: Mapping[Channel, tuple[int, ...]], identifiers: Sequence[Collection[Identifier]]
) -> dict[tuple[Channel, int, bool], tuple[int, ...]]:
    """The buses that a frame may be of, by channel and identifier; where it may be of two, it is of none."""
    feeds: dict[tuple[Channel, int, bool], tuple[int, ...]] = {}
    for channel, buses in assigned.items():
        for bus in buses:
            for number, extended in identifiers[bus]:
                feeds[channel, number, extended] = (*feeds.get((channel, number, extended), ()), bus)
    return feeds


def in_order(messages: Iterable[python_can.Message], counters: Counter[str]) -> list[python_can.Message]:
    """Frames in the order of time, as far as their log can be put right; steps back are counted as `time_back`.

    Loggers write what came at the same time in any order, and people join drives in any order: both are sorted.
    Drives that overlap, as those that each count from 0, stay as they are: no order of them is known to be right.
    """
    drives: list[list[python_can.Message]] = []
    back, last_s = 0, 0.0
    for message in messages:
        if not drives or message.timestamp < last_s - _DISORDER_S:
            drives.append([])
        back += message.timestamp < last_s
        last_s = message.timestamp
        drives[-1].append(message)
    if back:
        in_time = [sorted(drive, key=_time_s) for drive in drives]
        in_time.sort(key=lambda drive: drive[0].timestamp)
        if all(one[-1].timestamp <= other[0].timestamp for one, other in itertools.pairwise(in_time)):
            counters["time_back"] += back
            drives = in_time
    return [message for drive in drives for message in drive]


def _time_s(message: python_can.Message) -> float:
    return message.timestamp


def _channel(message: python_can.Message) -> Channel:
    return cast(Channel, message.channel)


def _day_of(inputs: Inputs) -> date | None:
    first_ns = inputs.first_ns()
    return None if first_ns is None else datetime.fromtimestamp(first_ns // 10**9, UTC).date()


def counted(counts: Counter[str]) -> str:
    """What was dropped, in words: "3 no_time, 1 time_back"."""
    return ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()) if count)
