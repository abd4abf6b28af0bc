"""Opens the recorded inputs of a replay: NMEA, a CAN log with its signal map, a capture, other systems' supports."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import cast

import can as python_can

from asvunit.adapters.can_log import CanLog
from asvunit.adapters.capture import Capture
from asvunit.adapters.nmea import NmeaFile
from asvunit.adapters.supports import SupportLog
from asvunit.canbus.channels import Channels
from asvunit.canbus.filters import frames
from asvunit.canbus.formats.lines import Channel, Identifier
from asvunit.errors import UsageError
from asvunit.ports import VehicleSignal
from asvunit.radio.time_jumps import without_jumps
from asvunit.replay import Inputs
from asvunit.vehicle import VehicleMap
from asvunit.vehicle.database import search_near


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
        frames = without_jumps(list(capture), capture.counters)
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
    filters = [vehicle_map.filters(bus) for bus in range(len(vehicle_map.buses))]
    log = CanLog(path, {one for each in filters for one in each})
    messages = list(log)
    counters = log.counters
    seen: dict[Channel, Counter[Identifier]] = {}
    for message in messages:
        of_channel = seen.setdefault(_channel(message), Counter())
        of_channel[message.arbitration_id, message.is_extended_id] += 1
    channels = Channels(vehicle_map.buses, vehicle_map.channels, filters)
    assigned = channels.assign(seen, buses)
    wanted = [frames(each) for each in filters]
    feeds: dict[tuple[Channel, Identifier], tuple[int, ...]] = {}  # where a frame may be of two buses, it is of none
    signals: list[VehicleSignal] = []
    for message in messages:  # a step back of time is clamped and counted where the signals enter
        channel, frame = _channel(message), (message.arbitration_id, message.is_extended_id)
        taking = feeds.get((channel, frame))
        if taking is None:
            taking = tuple(bus for bus in assigned.get(channel, ()) if frame in wanted[bus])
            feeds[channel, frame] = taking
        if len(taking) == 1:
            signals += vehicle_map.decode(message, taking[0])
        else:
            counters["ambiguous_bus" if taking else "other_channel"] += 1
    told = channels.told(seen, assigned)
    return f"{path} ({told})" if told else str(path), signals, counters + vehicle_map.counters


def _channel(message: python_can.Message) -> Channel:
    return cast(Channel, message.channel)


def _day_of(inputs: Inputs) -> date | None:
    first_ns = inputs.first_ns()
    return None if first_ns is None else datetime.fromtimestamp(first_ns // 10**9, UTC).date()


def counted(counts: Counter[str]) -> str:
    """What was dropped, in words: "3 no_time, 1 time_back"."""
    return ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()) if count)
