"""How candidates behave in a log: which come, move like a speed, flash, brake, count up. It moves their points."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from asvtools import vehicle_motion as motion
from asvtools.vehicle_bits import RawSignal
from asvtools.vehicle_motion import Series
from asvtools.vehicle_reading import Candidate
from asvunit.errors import UsageError
from asvunit.vehicle import j1939

_FRAMES_READ: Final = 1_000_000  # of a longer log the begin is enough
_SAMPLES: Final = 200_000  # of one signal
_PER_KIND: Final = 16  # candidates that are looked at
_COUNTED: Final = 3_000  # samples that show whether a field counts
_UNSEEN: Final = 45
_MAX_COUNTER_BITS: Final = 8


@dataclass(slots=True)
class Observation:
    """What a log told beside the candidates' new points."""

    summary: str = ""
    counters: dict[str, str] = field(default_factory=dict)  # MESSAGE -> "MESSAGE.SIGNAL" that counts up
    used: bool = True  # False: the log has nothing of this database
    speed: str = ""  # the signal that the others were compared with


def observe(log: Iterable[Any], found: dict[str, list[Candidate]], messages: Sequence[Any]) -> Observation:
    """Rates the candidates by the log; the order within `found` is theirs to make anew."""
    watched = [made for some in found.values() for made in some[:_PER_KIND]]
    raws = {text: raw for made in watched for text, raw in _raws(made)}
    grouped = j1939.marked(messages)
    used = {(message.frame_id, message.is_extended_frame): message for made in watched for message in made.messages}
    counting = {
        raw.reference: raw
        for message in used.values()
        for raw in (RawSignal(message, signal) for signal in message.signals if not signal.is_float)
        if 2 <= raw.signal.length <= _MAX_COUNTER_BITS and not raw.signal.is_signed
    }
    known = {_frame(message.frame_id, message.is_extended_frame, grouped) for message in messages}
    read = _read(log, {**counting, **raws}, known, grouped)
    out = Observation(_summary(read, known))
    if not read.ids & known:
        out.used = False
        return out
    series = read.series
    reference = motion.reference(found.get("speed", []), series)
    if reference is not None:
        out.speed = reference[0]
    for made in watched:
        _judge(made, series, reference)
    for message in used.values():
        text = _counter(message, counting, series)
        if text:
            out.counters[message.name] = text
    return out


def _frame(identifier: int, extended: bool, grouped: bool) -> tuple[int, bool]:
    """What frames are found by: of J1939 the parameter group."""
    return j1939.group_of(identifier) if grouped and extended else identifier, extended


def _raws(made: Candidate) -> list[tuple[str, RawSignal]]:
    pairs = zip(made.messages, made.signals, strict=True)
    return [(raw.reference, raw) for raw in (RawSignal(message, signal) for message, signal in pairs)]


@dataclass(slots=True)
class _Read:
    series: dict[str, Series]
    ids: set[tuple[int, bool]]
    frames: int
    seconds: float
    channel: Any
    channels: int
    cut: bool


def _read(log: Iterable[Any], raws: dict[str, RawSignal], known: set[tuple[int, bool]], grouped: bool) -> _Read:
    wanted: dict[tuple[int, bool], list[tuple[str, RawSignal]]] = {}
    for text, raw in raws.items():
        frame = _frame(raw.message.frame_id, raw.message.is_extended_frame, grouped)
        wanted.setdefault(frame, []).append((text, raw))
    by_channel: dict[Any, dict[str, Series]] = {}
    ids: dict[Any, set[tuple[int, bool]]] = {}
    frames, first, last, cut = 0, None, 0.0, False
    for message in log:
        frames += 1
        if frames > _FRAMES_READ:
            cut = True
            break
        first = message.timestamp if first is None else first
        last = message.timestamp
        key = _frame(message.arbitration_id, message.is_extended_id, grouped)
        ids.setdefault(message.channel, set()).add(key)
        data = bytes(message.data)
        for text, raw in wanted.get(key, ()):
            series = by_channel.setdefault(message.channel, {}).setdefault(text, Series())
            value = raw.read(data)
            if value is not None and len(series.times) < _SAMPLES:
                series.times.append(last)
                series.raws.append(value)
    if first is None:
        raise UsageError("the log has no frames; give a recorded CAN log of a drive")
    channel = max(ids, key=lambda one: len(ids[one] & known))
    return _Read(by_channel.get(channel, {}), ids[channel], frames, max(last - first, 0.0), channel, len(ids), cut)


def _summary(read: _Read, known: set[tuple[int, bool]]) -> str:
    begin = "The begin of the log" if read.cut else "The log"
    text = f"{begin} ({read.frames} frames, {read.seconds:.0f} s"
    text += f", channel {read.channel} of {read.channels})" if read.channels > 1 else ")"
    if not read.ids & known:
        return (
            text + f" has none of the database's {len(known)} messages: is it of another car or bus? It was not used."
        )
    return text + f" has {len(read.ids & known)} of the database's {len(known)} messages."


def _judge(made: Candidate, series: dict[str, Series], reference: tuple[str, Series] | None) -> None:
    mine = [series.get(text) for text in made.references]
    if not all(one is not None and one.times for one in mine):
        made.points -= _UNSEEN
        made.doubts.append("it is not in the log")
        return
    seen = [one for one in mine if one is not None]
    made.period_ms = max(one.period_ms for one in seen)
    if made.shape == "pair":
        _pair(made, seen)
    elif made.kind == "speed":
        motion.judge_speed(made, seen, reference)
    elif made.kind in ("accelerator", "acceleration", "yaw_rate"):
        motion.judge_number(made, seen[0], reference)
    else:
        _codes(made, seen[0], reference)


def _pair(made: Candidate, seen: list[Series]) -> None:
    runs = [motion.on_runs(one) for one in seen]
    flashes = [motion.flash_rate(one) for one in runs]
    lever = motion.LONGEST_FLASH_S
    if any(flashes):
        rate = max(rate for rate in flashes if rate)
        made.why.append(f"they flash, {rate:.0f} times a minute")
        made.flashing = True
        made.doubts = [doubt for doubt in made.doubts if not doubt.startswith("lever or lamps")]
        made.points += 4
    elif any(end - begin > lever for run in runs for begin, end in run):
        made.why = [reason for reason in made.why if not reason.startswith("named as lamps")]
        made.why.append("they stay on without flashing: the lever")
        made.flashing = False
        made.together = motion.together_s(*runs) > lever
        made.doubts = [doubt for doubt in made.doubts if not doubt.startswith("lever or lamps")]
        made.points += 10
    elif not any(runs):
        made.points -= 6
        made.doubts.append("neither side was on in the log: use the winker, and check again")


def _codes(made: Candidate, series: Series, reference: tuple[str, Series] | None) -> None:
    met = Counter(series.raws)
    strange = [code for code in met if code not in made.values and code not in made.names]
    if strange and made.kind != "shift":
        told = ", ".join(f"{code} ({met[code]} times)" for code in sorted(strange)[:6])
        made.doubts.append(f"codes in the log without a name: {told}; they are unknown as it stands")
        made.points -= 4
    if len(met) == 1:
        made.points -= 6
        made.doubts.append(f"it was always {next(iter(met))} in the log: use it in the car, and check again")
    if made.kind == "shift" and reference is not None:
        motion.judge_shift(made, series, reference[1])
    elif made.kind in ("brake", "accelerator_switch") and reference is not None and len(met) > 1:
        motion.judge_pedal_switch(made, series, reference[1])
    elif made.kind == "hazard" and motion.flash_rate(motion.on_runs(series)):
        made.points -= 8
        made.doubts.append("it flashes: a lamp, not the switch; its values then are wrong half of the time")


def _counter(message: Any, counting: dict[str, RawSignal], series: dict[str, Series]) -> str:
    """The field of a message that goes up by one in each frame, as its name or at least its place shows."""
    for signal in message.signals:
        text = f"{message.name}.{signal.name}"
        if text in counting and text in series:
            raws = series[text].raws[:_COUNTED]
            if len(raws) < 20 or len(set(raws)) < 3:
                continue
            top = max(raws) + 1
            good = sum((after - before) % top == 1 for before, after in pairwise(raws))
            maximum = signal.maximum
            full = 1 << signal.length
            wraps = int(maximum) + 1 if maximum is not None and 0 < maximum < full else full
            if good >= 0.97 * (len(raws) - 1) and wraps == top:
                return text
    return ""
