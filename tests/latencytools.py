"""Ledgers of latencies whose every time is known: a road of dice, written as a unit writes its events."""

import json
import random
from pathlib import Path
from typing import Any

START_T, START_NS = 1_790_000_000.25, 5_000_000_000_000
CHAIN = ("parsed", "taken", "decoded", "judged", "decided", "commanded")
HOPS_US = {"parsed": 90, "taken": 150, "decoded": 120, "judged": 260, "decided": 60, "commanded": 40}
PASSED = {  # boundaries by kind of cause; a cycle and what is due have no bytes
    "frame": CHAIN,
    "signal": CHAIN,
    "fix": CHAIN,
    "switch": ("parsed", "taken", "decided", "commanded"),
    "cycle": ("taken", "judged", "decided", "commanded"),
    "due": ("taken", "judged", "decided", "commanded"),
}
LEVELS = (("information", "surrounding"), ("caution", "crossing"), ("none", "none"), ("caution", "right_turn"))


def start(t: float = START_T, vehicle_id: int = 4711, monotonic_ns: int = START_NS) -> dict[str, Any]:
    """The first event of a session."""
    return {"t": t, "event": "start", "version": 1, "asvkit": "0.1.0", "vehicle_id": vehicle_id, "seed": 1,
            "pid": 4, "monotonic_ns": monotonic_ns, "hmi": "mock"}  # fmt: skip


def hmi(latency: dict[str, Any]) -> dict[str, Any]:
    """The event that a latency event belongs to."""
    return {"t": latency["t"], "event": "hmi", "level": latency["level"], "function": latency.get("function", "none"),
            "text": "\"event\": \"latency\"", "cause": latency["cause"]}  # fmt: skip


def latency(number: int, dice: random.Random, **given: Any) -> dict[str, Any]:
    """One event, all its times given or thrown: 800 ms after the one before it."""
    kind = given.pop("input", None) or dice.choice(list(PASSED))
    level, function = LEVELS[number % len(LEVELS)]
    us, times = 0.0, dict.fromkeys(CHAIN)
    for name in PASSED[kind]:
        us += HOPS_US[name] * dice.lognormvariate(0, 0.5)
        times[name] = us
    lit = us + 200 * dice.lognormvariate(0, 0.3)
    sounded = lit + 150 * dice.lognormvariate(0, 0.3) if level == "caution" else None
    written = (sounded or lit) + 80
    stamp_ns = START_NS + number * 800_000_000 + dice.randrange(99_000_000)
    event = {"t": START_T + (stamp_ns - START_NS) / 1e9, "event": "latency", "level": level, "function": function,
             "cue": True, "input": kind, "cause": number if kind not in ("cycle", "due") else 0,
             "stamp_ns": stamp_ns}  # fmt: skip
    event |= {f"{name}_us": value if value is None else round(value, 3) for name, value in times.items()}
    event |= {"lit_us": round(lit, 3), "sounded_us": sounded and round(sounded, 3), "written_us": round(written, 3)}
    return event | given


def ledger(count: int, seed: int = 7) -> list[dict[str, Any]]:
    """A session: its start, each change as hmi and latency, other events between, its stop."""
    dice = random.Random(seed)
    events = [start()]
    for number in range(count):
        one = latency(number, dice)
        events += [{"t": one["t"], "event": "support", "level": "none"}, hmi(one), one]
    return [*events, {"t": START_T + count, "event": "stop", "reason": "sigterm"}]


def write(path: Path, events: list[dict[str, Any]], end: str = "\n") -> Path:
    """As JSON lines; `end` after the last."""
    path.write_text("\n".join(json.dumps(event, ensure_ascii=False) for event in events) + end, encoding="utf-8")
    return path


def latencies(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of them that are latencies."""
    return [event for event in events if event["event"] == "latency"]
