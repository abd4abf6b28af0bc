"""What the samples tell: distributions, the verdict, and where the time goes by the unit's own latency events."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from asvcore.params import SYSTEM_DELAY_MS
from asvrig.latency.bench import Sample, Samples
from asvrig.latency.car import PERIOD_NS
from asvrig.latency.statistics import CONFIDENCE, Distribution

LIMIT_US: Final = SYSTEM_DELAY_MS * 1000.0  # [G 3.4(4)]
BOUNDARIES: Final = ("parsed", "taken", "decoded", "judged", "decided", "commanded", "lit", "sounded", "written")
_BEFORE_NS: Final = 1_000_000  # a driver's stamp may be coarser than our clock
_SEEN: Final = "seen"
_TENTHS: Final = 10

Row = dict[str, Any]


def net_us(samples: Samples, offset_us: float) -> dict[str, Distribution]:
    """By what was looked for ("light", "sound", and "all": when the last of both is there), offsets subtracted."""
    looked = [name for name in ("light", "sound") if getattr(samples, name)]
    out: dict[str, Distribution] = {}
    for name in looked:
        times = [_took_us(one, name, offset_us) for one in samples.all]
        out[name] = _distribution(times)
    both = [[_took_us(one, name, offset_us) for name in looked] for one in samples.all]
    out["all"] = _distribution([_last(times) for times in both])
    return out


def report(
    samples: Samples, *, wire_us: float, probe_us: float, events: Sequence[Row] = (), cause: str = "", level: str = ""
) -> Row:
    """The result as JSON. `events`: the unit's, for the hops; `cause` and `level` of the changes that are meant.

    `n` samples count; `early` ones, which something else lit before, do not. Good: none early, none missing, none
    above 0.3 s.
    """
    offset_us = wire_us + probe_us
    early = sum(one.early for one in samples.all)
    samples = replace(samples, all=[one for one in samples.all if not one.early])
    net, raw = net_us(samples, offset_us), net_us(samples, 0)
    limit = {name: one.summary(LIMIT_US) for name, one in net.items()}
    hops = join(samples.all, events, level)
    return {
        "n": len(samples.all),
        "early": early,
        "missing": net["all"].missing,
        "over": net["all"].over(LIMIT_US),
        "limit_us": LIMIT_US,
        "confidence": CONFIDENCE,
        "offset_us": {"wire": round(wire_us, 3), "probe": round(probe_us, 3)},
        "net_us": limit,
        "raw_us": {name: one.summary(LIMIT_US) for name, one in raw.items()},
        "times_ms": [round(one / 1000, 4) for one in net["all"].values],
        "phases": phases(samples.all),
        "hops": hops.rows,
        "by_input": dict(hops.inputs),
        "by_other_input": sum(count for kind, count in hops.inputs.items() if kind != cause),
        "joined": sum(hops.inputs.values()),
        "ended": samples.ended,
        "good": bool(samples.all) and not early and not net["all"].over(LIMIT_US) and not samples.ended,
    }


def phases(samples: Iterable[Sample]) -> list[int]:
    """How many stimuli fell into each tenth of 100 ms: about as many in each, else the phase was not random."""
    counts = [0] * _TENTHS
    for one in samples:
        counts[one.sent_ns % PERIOD_NS * _TENTHS // PERIOD_NS] += 1
    return counts


class Joined:
    """The hops of the samples whose change the unit tells of, and what kind of input it names as its cause."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.inputs: Counter[str] = Counter()


def join(samples: Iterable[Sample], events: Iterable[Row], level: str) -> Joined:
    """Lays the unit's latency events on the samples: the first change to `level` whose cause came after the stimulus.

    Hops run from boundary to boundary; what an event does not tell is part of the next hop. The one from the
    stimulus to the cause's stamp holds the way there, and the wait where the cause is the unit's own cycle.
    """
    told = sorted(
        (one for one in events if one.get("event") == "latency" and one.get("level") == level and _stamped(one)),
        key=lambda one: int(one["stamp_ns"]),
    )
    stamps = [int(one["stamp_ns"]) for one in told]
    joined = Joined()
    hops: dict[str, list[float]] = defaultdict(list)
    for sample in samples:
        at = bisect_left(stamps, sample.sent_ns - _BEFORE_NS)
        ends = [one for one in (sample.light_ns, sample.sound_ns) if one is not None]
        if at == len(told) or not ends or stamps[at] > max(ends):
            continue
        event = told[at]
        joined.inputs[str(event.get("input"))] += 1
        for name, took_us in _hops(event, sample):
            hops[name].append(took_us)
    order = ["stamp", *BOUNDARIES, _SEEN]
    for name in order:
        if hops[name]:
            all_us = Distribution(hops[name])
            figures = {f"p{share * 100:g}": round(all_us.quantile(share).value, 1) for share in (0.5, 0.95, 0.99)}
            joined.rows.append({"to": name, "n": all_us.count, **figures, "max": round(all_us.values[-1], 1)})
    return joined


def _hops(event: Row, sample: Sample) -> list[tuple[str, float]]:
    """Microseconds to each boundary from the one before it."""
    begin_us = (int(event["stamp_ns"]) - sample.sent_ns) / 1000
    out, at_us = [("stamp", begin_us)], 0.0
    last_us = 0.0
    for name in BOUNDARIES:
        value = event.get(f"{name}_us")
        if isinstance(value, int | float):
            out.append((name, value - at_us))
            at_us = value
            if name in ("lit", "sounded"):
                last_us = value
    seen_ns = max(one for one in (sample.light_ns, sample.sound_ns) if one is not None)
    if last_us:  # a lamp or the tone is seen after it was written, not after all outputs were told
        out.append((_SEEN, (seen_ns - int(event["stamp_ns"])) / 1000 - last_us))
    return out


def _stamped(event: Row) -> bool:
    return isinstance(event.get("stamp_ns"), int)


def _took_us(sample: Sample, name: str, offset_us: float) -> float | None:
    seen_ns = sample.light_ns if name == "light" else sample.sound_ns
    return None if seen_ns is None else (seen_ns - sample.sent_ns) / 1000 - offset_us


def _last(times: Sequence[float | None]) -> float | None:
    known = [one for one in times if one is not None]
    return max(known) if known and len(known) == len(times) else None


def _distribution(times: Sequence[float | None]) -> Distribution:
    known = [one for one in times if one is not None]
    return Distribution(known, len(times) - len(known))
