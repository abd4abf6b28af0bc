"""What is wrong with a map or with what a log has of it, each in one line with the mend."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from asvtools.vehicle_measure import Measured, Seen, Values, raw_signals
from asvunit.ports import IMPLAUSIBLE, UNKNOWN
from asvunit.vehicle.words import WORDS

if TYPE_CHECKING:
    from asvtools.vehicle_check import Row
    from asvunit.vehicle import Feed, VehicleMap

_IDS_TOLD: Final = 8
_RARE: Final = 0.01  # a share of frames that is a disturbance, not a mistake in the map
_OFTEN: Final = 0.2
_TOLD: Final = 0.05
_DROPS: Final = {
    "undecodable": ("could not be decoded", "does the database know their multiplexer codes?"),
    "bad_checksum": ("failed the sender's check and were dropped", "is the [[check]] of the map this car's?"),
    "counter_stuck": (
        "came with a counter that stood still and were dropped",
        "either the sender hangs, or the signal in counters is none",
    ),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """`fault`: something in the car's signals that has to be mended; else worth knowing."""

    kind: str
    text: str
    fault: bool = False
    signal: str = ""


def of_map(vehicle: "VehicleMap") -> list[Finding]:
    """What can be said without a log."""
    return [Finding("database", f"database: {warning}") for warning in vehicle.warnings]


def of_map_alone(vehicle: "VehicleMap") -> list[Finding]:
    """What a log would tell better."""
    untold: dict[str, list[str]] = {}
    for feed in vehicle.feeds:
        if feed.period_ms is None and feed.timeout_ms == 500:
            untold.setdefault(feed.message, []).append(feed.name)
    if not untold:
        return []
    names = ", ".join(f"{message} ({', '.join(signals)})" for message, signals in untold.items())
    text = (
        f"no cycle time is known of {names}: their values hold for 500 ms; if they come less often,"
        " give period_ms or timeout_ms in the signal (a log shows it)"
    )
    return [Finding("no_period", text)]


def of_log(vehicle: "VehicleMap", rows: Sequence["Row"], measured: Measured) -> list[Finding]:
    """What the log shows, faults first."""
    return sorted(_of_log(vehicle, rows, measured), key=lambda finding: not finding.fault)


def _of_log(vehicle: "VehicleMap", rows: Sequence["Row"], measured: Measured) -> Iterator[Finding]:
    if not any(seen.count for seen in measured.seen.values()):
        yield _nothing(vehicle, measured)
    else:
        for row in rows:
            for feed in row.feeds:
                yield from _of_feed(vehicle, row, feed, measured)
            if row.feeds and row.state != "dead":
                yield from _of_values(vehicle, row, measured)
    for (bus, identifier, extended), seen in measured.seen.items():
        yield from _of_frames(vehicle, bus, identifier, extended, seen)
    if measured.jumps_back:
        at_s = (measured.first_jump_ns - measured.begin_ns) / 1e9
        times = "once" if measured.jumps_back == 1 else f"{measured.jumps_back} times"
        yield Finding(
            "time_back", f"the log's time jumps back {times}, first after {at_s:.3f} s; gaps there are not counted"
        )
    for reason, count in measured.log_dropped.items():
        yield Finding("log", f"the log: {count} x {reason.replace('_', ' ')}, left out")


def _nothing(vehicle: "VehicleMap", measured: Measured) -> Finding:
    wanted = sum(len(vehicle.identifiers(bus)) for bus in range(len(vehicle.buses)))
    by_count = sorted(measured.elsewhere.items(), key=lambda item: -item[1])
    told = ", ".join(_hex(identifier, extended) for (_, identifier, extended), _ in by_count[:_IDS_TOLD])
    more = f" and {len(by_count) - _IDS_TOLD} more" if len(by_count) > _IDS_TOLD else ""
    text = (
        f"the log has none of the map's {wanted} identifiers; it has {told}{more};"
        " is it of another car, or of another bus of this one?"
    )
    return Finding("none_seen", text, fault=True)


def _of_feed(vehicle: "VehicleMap", row: "Row", feed: "Feed", measured: Measured) -> Iterator[Finding]:
    seen = measured.seen.get((feed.bus, feed.identifier, feed.extended))
    if seen is None:
        return
    if not seen.count:
        yield Finding("dead", _dead(vehicle, feed, measured), fault=True, signal=feed.name)
        return
    codes = measured.codes.get(feed.name, Counter())
    if feed.how == "words" and feed.words:
        names = {int(code): str(text) for raw in raw_signals(vehicle, feed) for code, text in _choices(raw)}
        for code, count in sorted(codes.items(), key=lambda item: -item[1]):
            if code in feed.words:
                continue
            said = f" ({names[code]!r} in the database)" if code in names else ""
            word = _likely(feed.name, names.get(code, ""))
            at_s = (measured.first_ns[feed.name, code] - measured.begin_ns) / 1e9
            allowed = dict.fromkeys(one for one in (*feed.words.values(), *WORDS[feed.name]) if one != "none")
            usual = " or ".join(allowed)
            add = f'add {code} = "{word}"' if word else f"add {code} with what the car did then ({usual})"
            text = (
                f"{feed.name}: code {code}{said} of {_reference(feed)} came {_times(count)}, first after"
                f" {at_s:.2f} s, and has no word: {add} to signal.{feed.name}.values"
            )
            yield Finding("unknown_code", text, fault=True, signal=feed.name)
    del row


def _choices(raw: object) -> Iterator[tuple[int, str]]:
    yield from ((int(code), str(text)) for code, text in (raw.signal.choices or {}).items())  # type: ignore[attr-defined]


def _likely(name: str, said: str) -> str:
    import re

    from asvtools import vehicle_spelling as words

    squashed = words.squashed(said)
    found = next((word for pattern, word in words.TEXTS.get(name, ()) if said and re.search(pattern, squashed)), None)
    return found or ("unknown" if said else "")


def _dead(vehicle: "VehicleMap", feed: "Feed", measured: Measured) -> str:
    channel = measured.taken[feed.bus]
    where = f" on channel {channel}" if len(measured.channels) > 1 else ""
    text = f"{feed.name} is dead: {feed.message} ({feed.address}) never came{where}"
    wanted = (feed.identifier, feed.extended)
    others = [
        channel
        for channel in measured.channels
        if any(vehicle.identified(frame, feed.bus) == wanted for frame in measured.frames_on(channel))
    ]
    if others:
        bus = vehicle.buses[feed.bus] or "can"
        return f"{text}, but on channel {others[0]}: another bus; --bus {bus}={others[0]}, or a [bus.NAME] of its own"
    if any(measured.elsewhere.get((one, feed.identifier, not feed.extended)) for one in measured.channels):
        bits = "11" if feed.extended else "29"
        return f"{text}, but with an identifier of {bits} bits; mend the database"
    database = vehicle.databases[feed.bus].path if feed.bus < len(vehicle.databases) else "DATABASE"
    return f"{text}; take it from another message or bus: asvkit vehicle suggest {database} --log LOG lists some"


def _below_zero(signal: Any) -> bool:
    return bool(signal.is_signed or signal.offset < 0)


def _taken(seen: Seen) -> int:
    """Frames that got as far as their values."""
    return seen.count - sum(seen.dropped[reason] for reason in ("wrong_length", "bad_checksum", "counter_stuck"))


def _of_values(vehicle: "VehicleMap", row: "Row", measured: Measured) -> Iterator[Finding]:
    values = row.values
    assert values is not None
    name = row.feeds[0].name
    if values.outage_count:
        yield _outage(row, values, measured)
    elif len(row.feeds) > 1:
        yield from _parts_away(row, measured)
    implausible = values.statuses[IMPLAUSIBLE]
    if implausible:
        text = (
            f"{name}: {_times(implausible)} outside its limits; mend unit, scale or offset, or list the raw code"
            f" for 'not known' in signal.{name}.unknown"
        )
        if name == "speed" and any(_below_zero(raw.signal) for one in row.feeds for raw in raw_signals(vehicle, one)):
            text += "; if it is negative in reverse, add signed = true"
        yield Finding("implausible", text, fault=True, signal=name)
    heard = all(_taken(measured.seen[one.bus, one.identifier, one.extended]) for one in row.feeds)
    if row.state == "unknown" and not implausible and heard:
        text = f"{name}: not one value could be used; mend the codes (values, on, valid) of signal.{name}"
        yield Finding("never_known", text, fault=True, signal=name)
    elif values.statuses[UNKNOWN] > _TOLD * sum(values.statuses.values()) and not any(
        code for code in row.met if code.startswith("code ")
    ):
        share = 100 * values.statuses[UNKNOWN] / sum(values.statuses.values())
        yield Finding(
            "unknown", f"{name}: unknown in {share:.0f} % of its frames, as the map says of them", signal=name
        )
    if row.low is not None and row.low == row.high:
        text = f"{name}: always {row.low:g} {row.unit} in this log, which proves nothing; drive, and check again"
        yield Finding("constant", text, signal=name)
    elif list(row.met) != ["unknown"] and len(row.met) == 1:
        text = f"{name}: only {next(iter(row.met))!r} was met; use it in the car, and check again"
        yield Finding("constant", text, signal=name)


def _outage(row: "Row", values: Values, measured: Measured) -> Finding:
    """Stale, if its frames did not come; else the reason is in the values, which are told by themselves."""
    name = row.feeds[0].name
    begin_ns, length_ns = max(values.outages, key=lambda outage: outage[1])
    at_s, length_s = (begin_ns - measured.begin_ns) / 1e9, length_ns / 1e9
    if not gone(row, measured):
        text = f"{name}: its frames came, but without a good value for up to {length_s:.2f} s, after {at_s:.2f} s"
        return Finding("no_value", text, signal=name)
    timeout_ms = max(feed.timeout_ms for feed in row.feeds)
    seen = max((measured.seen[one.bus, one.identifier, one.extended] for one in row.feeds), key=lambda one: one.count)
    mend = f"; if that is its rhythm, give timeout_ms = {_round_up(1500 * length_s)} in signal.{name}"
    if 1000 * length_s > 10 * max(timeout_ms, seen.median_ms):
        mend = "; it had gone: look at the wiring, the gateway or the sender at that time"
    text = (
        f"{name} is stale: {_times(values.outage_count)} no good value for more than its timeout of {timeout_ms} ms,"
        f" longest {length_s:.2f} s after {at_s:.2f} s; frames usually come every {seen.median_ms} ms{mend}"
    )
    return Finding("stale", text, fault=True, signal=name)


def _parts_away(row: "Row", measured: Measured) -> Iterator[Finding]:
    """Of several messages that feed one signal, those that stayed away while the others stood in."""
    for feed in row.feeds:
        seen = measured.seen[feed.bus, feed.identifier, feed.extended]
        if seen.count and seen.longest_ns > feed.timeout_ms * 1_000_000:
            at_s = (seen.longest_at_ns - measured.begin_ns) / 1e9
            others = any(one.name == feed.name for one in row.feeds if one is not feed)
            text = (
                f"{feed.name}: {feed.message} stayed away for {seen.longest_ns / 1e9:.2f} s after {at_s:.2f} s,"
                f" longer than its timeout of {feed.timeout_ms} ms" + ("; its other sources stood in" if others else "")
            )
            yield Finding("part_stale", text, fault=True, signal=feed.name)


def gone(row: "Row", measured: Measured) -> bool:
    """Whether the frames of one of its messages stayed away for longer than its values hold."""
    for feed in row.feeds:
        seen = measured.seen[feed.bus, feed.identifier, feed.extended]
        away_ns = max(seen.longest_ns, measured.end_ns - seen.last_ns)
        if away_ns > feed.timeout_ms * 1_000_000:
            return True
    return False


def _of_frames(vehicle: "VehicleMap", bus: int, identifier: int, extended: bool, seen: Seen) -> Iterator[Finding]:
    feed = next(
        (one for one in vehicle.feeds if (one.bus, one.identifier, one.extended) == (bus, identifier, extended)), None
    )
    name = f"{feed.message} ({feed.address})" if feed else _hex(identifier, extended)
    for reason, count in seen.dropped.items():
        share = f"{_times(count)} of {seen.count}"
        if reason == "wrong_length":
            length = seen.lengths.most_common(1)[0][0]
            says = f", the database says {feed.length}" if feed else ""
            yield Finding(
                "wrong_length", f"{name}: {share} with {length} bytes{says}: dropped; mend the database", fault=True
            )
        elif reason == "counter_jump" and count > _OFTEN * seen.count:
            text = f"{name}: {share} its counter skipped: it does not count frames; take it out of counters"
            yield Finding("no_counter", text, fault=True)
        elif reason == "other_sender":
            heard = ", ".join(f"0x{address:02X}" for address, _ in seen.senders.most_common())
            text = f"{name}: {_times(count)} of another sender than the one that is followed; it is sent by {heard}"
            yield Finding("other_sender", f"{text}: source_addresses in the map tells whom to take")
        elif reason == "counter_jump":
            yield Finding(
                "counter_jump", f"{name}: {share} its counter skipped: frames were lost, by the log or the bus"
            )
        elif reason in _DROPS:
            what, mend = _DROPS[reason]
            rare = count <= _RARE * seen.count
            yield Finding(reason, f"{name}: {share} frames {what}" + ("" if rare else f"; {mend}"), fault=not rare)


def _reference(feed: "Feed") -> str:
    name = feed.signals[0] if feed.signals else ""
    return name if "." in name else f"{feed.message}.{name}"


def _hex(identifier: int, extended: bool) -> str:
    return f"0x{identifier:08X}" if extended else f"0x{identifier:03X}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _round_up(milliseconds: float) -> int:
    step = 100 if milliseconds < 5000 else 1000
    return int(-(-milliseconds // step) * step)
