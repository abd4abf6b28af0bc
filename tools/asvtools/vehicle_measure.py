"""What a log has of the frames and signals of a map: counts, rates, gaps, values, and what was dropped."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from asvtools.vehicle_bits import RawSignal
from asvunit.errors import UsageError, nearest
from asvunit.ports import ACCELERATOR, BRAKE, OK, SIGNALS
from asvunit.vehicle import Feed, VehicleMap

_DROPPED: Final = ("wrong_length", "undecodable", "bad_checksum", "counter_stuck", "counter_jump")
_OTHERS: Final = "other_sender"
_GAPS_KEPT: Final = 20
_MS_NS: Final = 1_000_000
Frame = tuple[int, bool]  # identifier, extended


@dataclass(slots=True)
class Seen:
    """The frames of one identifier on its bus."""

    count: int = 0
    first_ns: int = 0
    last_ns: int = 0
    gaps_ns: list[int] = field(default_factory=list)  # sorted in the end; for the median
    longest_ns: int = 0
    longest_at_ns: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)
    senders: Counter[int] = field(default_factory=Counter)  # source addresses, where it is of J1939

    def add(self, time_ns: int) -> int:
        """The gap before this frame, 0 for the first one or after a jump back."""
        gap_ns = 0
        if self.count:
            gap_ns = max(time_ns - self.last_ns, 0)
            if len(self.gaps_ns) < 100_000:
                self.gaps_ns.append(gap_ns)
            if gap_ns > self.longest_ns:
                self.longest_ns, self.longest_at_ns = gap_ns, self.last_ns
        else:
            self.first_ns = time_ns
        self.count += 1
        self.last_ns = time_ns
        return gap_ns

    @property
    def rate_hz(self) -> float:
        span_ns = sum(self.gaps_ns)
        return len(self.gaps_ns) * 1e9 / span_ns if span_ns else 0.0

    @property
    def median_ms(self) -> int:
        gaps = sorted(self.gaps_ns)
        return max(round(gaps[len(gaps) // 2] / _MS_NS), 1) if gaps else 0


@dataclass(slots=True)
class Values:
    """What one ASV signal had."""

    statuses: Counter[int] = field(default_factory=Counter)
    low: int | None = None
    high: int | None = None
    met: Counter[int] = field(default_factory=Counter)  # ASV values of switches
    fresh_ns: int = 0  # time covered by good values
    good_ns: int | None = None  # time of the last good one
    outages: list[tuple[int, int]] = field(default_factory=list)  # (begin, length) beyond the timeout
    outage_count: int = 0


@dataclass(slots=True)
class Measured:
    """One log, looked at through one map."""

    begin_ns: int = 0
    end_ns: int = 0
    frames: int = 0
    jumps_back: int = 0
    first_jump_ns: int = 0
    channels: dict[Any, int] = field(default_factory=dict)  # frames by channel
    taken: list[Any] = field(default_factory=list)  # the channel by bus; None: none has its identifiers
    why: list[str] = field(default_factory=list)  # how the channel was told, by bus
    seen: dict[tuple[int, int, bool], Seen] = field(default_factory=dict)  # by bus, identifier, extended
    elsewhere: dict[tuple[Any, int, bool], int] = field(default_factory=dict)  # frames by channel and identifier
    values: dict[str, Values] = field(default_factory=dict)  # by name of ports.SIGNALS
    codes: dict[str, Counter[int]] = field(default_factory=dict)  # raw codes by feed name
    first_ns: dict[tuple[str, int], int] = field(default_factory=dict)  # when each code came first
    dropped: Counter[str] = field(default_factory=Counter)
    log_dropped: Counter[str] = field(default_factory=Counter)

    def frames_on(self, channel: Any) -> list[Frame]:
        """The identifiers that a channel has."""
        return [(number, extended) for one, number, extended in self.elsewhere if one == channel]


def signal_name(feed: Feed) -> str:
    """The name in ports.SIGNALS of what a feed gives."""
    if feed.name == "accelerator_switch":
        return SIGNALS[ACCELERATOR]
    return SIGNALS[BRAKE] if feed.name == "auxiliary_brake" else feed.name


def raw_signals(vehicle: VehicleMap, feed: Feed) -> list[RawSignal]:
    """The database's signals of a feed; none where the map is a compiled one."""
    if feed.bus >= len(vehicle.databases):
        return []
    found = []
    for text in feed.signals:
        name, dot, signal = text.rpartition(".")
        wanted = name.rpartition(":")[2] if dot else feed.message
        for message in vehicle.databases[feed.bus].database.messages:
            if message.name == wanted:
                found += [RawSignal(message, one) for one in message.signals if one.name == signal][:1]
                break
    return found


def measure(vehicle: VehicleMap, log: Any, bus_options: Iterable[str]) -> Measured:
    """Reads the log twice: for the channels, then through the map."""
    out = Measured()
    _survey(log, out)
    _assign(vehicle, out, _wanted(vehicle, out, bus_options))
    _decode(vehicle, log, out)
    out.log_dropped = Counter(log.counters)
    return out


def _survey(log: Any, out: Measured) -> None:
    last_ns = None
    for message in log:
        time_ns = round(message.timestamp * 1e6) * 1000
        if last_ns is None:
            out.begin_ns = out.end_ns = time_ns
        elif time_ns < last_ns:
            out.jumps_back += 1
            out.first_jump_ns = out.first_jump_ns or last_ns
        last_ns = time_ns
        out.begin_ns, out.end_ns = min(out.begin_ns, time_ns), max(out.end_ns, time_ns)
        out.frames += 1
        channel = message.channel
        out.channels[channel] = out.channels.get(channel, 0) + 1
        key = (channel, message.arbitration_id, message.is_extended_id)
        out.elsewhere[key] = out.elsewhere.get(key, 0) + 1


def _wanted(vehicle: VehicleMap, out: Measured, options: Iterable[str]) -> dict[int, Any]:
    """Bus -> channel, as the user says."""
    told: dict[int, Any] = {}
    for option in options:
        name, equals, text = option.rpartition("=")
        if not equals:
            raise UsageError(f"--bus {option}: give it as NAME=CHANNEL, e.g. --bus {vehicle.buses[0] or 'can'}=0")
        if name not in vehicle.buses and not (len(vehicle.buses) == 1 and not vehicle.buses[0]):
            raise UsageError(f"--bus {option}: the map has no bus {name!r}{nearest(name, vehicle.buses)}")
        channel = next((one for one in out.channels if str(one) == text), None)
        if channel is None and text not in map(str, out.channels):
            known = ", ".join(sorted(map(str, out.channels)))
            raise UsageError(f"--bus {option}: the log has no channel {text}; it has {known}")
        told[vehicle.buses.index(name) if name in vehicle.buses else 0] = channel
    return told


def _assign(vehicle: VehicleMap, out: Measured, told: dict[int, Any]) -> None:
    for bus in range(len(vehicle.buses)):
        named = {str(channel) for channel in vehicle.channels[bus]} if bus < len(vehicle.channels) else set()
        scores = {
            channel: len({vehicle.identified(frame, bus) for frame in out.frames_on(channel)} - {None})
            for channel in out.channels
        }
        of_map = next((channel for channel in out.channels if str(channel) in named), None)
        best = max(scores, key=lambda channel: scores[channel], default=None)
        if bus in told:
            out.taken.append(told[bus])
            out.why.append("as told")
        elif named and of_map is not None:
            out.taken.append(of_map)
            out.why.append("as the map says")
        else:
            out.taken.append(best)
            known = f"{scores.get(best, 0)} of {len(vehicle.identifiers(bus))} identifiers" if out.channels else ""
            out.why.append(f"it has {known}")


def _decode(vehicle: VehicleMap, log: Any, out: Measured) -> None:
    buses: dict[Any, list[int]] = {}
    for bus, channel in enumerate(out.taken):
        buses.setdefault(channel, []).append(bus)
        for frame in vehicle.identifiers(bus):
            out.seen[bus, *frame] = Seen()
    raws = _prepare(vehicle, out)
    vehicle.counters.clear()
    for message in log:
        for bus in buses.get(message.channel, ()):
            mapped = vehicle.identified((message.arbitration_id, message.is_extended_id), bus)
            if mapped is not None:
                key = (bus, *mapped)
                _take_frame(vehicle, message, out, key, raws.get(key, ()))
    told = (*_DROPPED, _OTHERS)
    out.dropped = Counter({reason: vehicle.counters[reason] for reason in told if vehicle.counters[reason]})
    for name, values in out.values.items():
        _close(values, out, vehicle.timeouts_ms[SIGNALS.index(name)])


_Raws = dict[tuple[int, int, bool], list[tuple[str, RawSignal]]]


def _prepare(vehicle: VehicleMap, out: Measured) -> _Raws:
    """The raw codes that are counted, by the frame they come in."""
    raws: _Raws = {}
    for feed in vehicle.feeds:
        out.codes.setdefault(feed.name, Counter())
        out.values.setdefault(signal_name(feed), Values())
        if feed.how in ("words", "any"):
            for raw in raw_signals(vehicle, feed):
                key = (feed.bus, feed.identifier, feed.extended)
                raws.setdefault(key, []).append((feed.name, raw))
    return raws


def _take_frame(
    vehicle: VehicleMap, message: Any, out: Measured, key: tuple[int, int, bool], raws: Iterable[tuple[str, RawSignal]]
) -> None:
    seen = out.seen[key]
    counters = vehicle.counters
    before = [counters[reason] for reason in _DROPPED]
    others = counters[_OTHERS]
    decoded = vehicle.decode(message, key[0])
    seen.senders[message.arbitration_id & 0xFF] += 1
    if counters[_OTHERS] != others:  # of J1939: another one sends this message, too
        seen.dropped[_OTHERS] += 1
        return
    seen.add(round(message.timestamp * 1e6) * 1000)
    for reason, count in zip(_DROPPED, before, strict=True):
        if counters[reason] != count:
            seen.dropped[reason] += 1
            if reason == "wrong_length":
                seen.lengths[len(message.data)] += 1
    for signal in decoded:
        _take(out.values[SIGNALS[signal.signal]], signal, vehicle.timeouts_ms[signal.signal])
    if decoded or not seen.dropped:
        for name, raw in raws:
            code = raw.read(bytes(message.data))
            if code is not None:
                out.codes[name][code] += 1
                out.first_ns.setdefault((name, code), seen.last_ns)


def _take(values: Values, signal: Any, timeout_ms: int) -> None:
    values.statuses[signal.status] += 1
    if signal.status != OK:
        return
    value = signal.value
    values.low = value if values.low is None else min(values.low, value)
    values.high = value if values.high is None else max(values.high, value)
    if len(values.met) < 300:
        values.met[value] += 1
    _cover(values, signal.time_ns, timeout_ms)


def _cover(values: Values, time_ns: int, timeout_ms: int) -> None:
    """Adds the time since the last good value, as far as that one held."""
    timeout_ns = timeout_ms * _MS_NS
    if values.good_ns is not None and time_ns >= values.good_ns:
        gap_ns = time_ns - values.good_ns
        values.fresh_ns += min(gap_ns, timeout_ns)
        if gap_ns > timeout_ns:
            values.outage_count += 1
            values.outages.append((values.good_ns, gap_ns))
            if len(values.outages) > _GAPS_KEPT:  # the longest stay
                values.outages.remove(min(values.outages, key=lambda outage: outage[1]))
    values.good_ns = time_ns


def _close(values: Values, out: Measured, timeout_ms: int) -> None:
    if values.good_ns is not None:
        last_ns = values.good_ns
        _cover(values, out.end_ns, timeout_ms)
        values.good_ns = last_ns
