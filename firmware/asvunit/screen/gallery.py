"""Every state of the screen as messages of the kind that a unit's screen gets: for looking at it, and for its tests.

Names say what is shown: "caution_crossing_left", "hold", "fault_gnss", "gone_silent". Warning is among them because
the table of levels has it; no unit gives it between vehicles. Numbers are such as a real encounter has.
"""

from dataclasses import dataclass
from typing import Any, Final

from asvcore import codes, hmi_rules
from asvcore.params import NONE
from asvunit.screen import gallery_scenes as scenes
from asvunit.texts import TEXTS
from asvunit.why import why
from asvunit.words import CODES, word

Message = dict[str, Any]

LEVELS: Final = ("information", "caution", "warning")
# Function: the sides that it tells
SIDES: Final[dict[str, tuple[str | None, ...]]] = {
    "crossing": ("left", "right", "both"),
    "right_turn": (None,),
    "left_turn": ("left", "right"),
    "surrounding": (None,),
    "emergency": (None,),
}
WHY_GONE: Final = ("stopped", "silent", "lost")
_BITS: Final = {None: 0, "left": codes.DIRECTION_LEFT, "right": codes.DIRECTION_RIGHT, "both": 3}
_SINCE_S: Final = 95.0
_GOOD: Final = {
    "gnss": ("ok", "received", ""),
    "can": ("ok", "received", ""),
    "radio": ("ok", "received", ""),
    "clock": ("ok", "steady", ""),
    "hmi": ("ok", "showing", ""),
    "supports": ("off", "not_configured", ""),
}
# State of the gallery: input, state, reason, detail
_FAULTS: Final = {
    "fault_gnss": ("gnss", "disconnected", "unplugged", "/dev/ttyACM0: unplugged; plug the receiver in again"),
    "fault_fix": ("gnss", "implausible", "frozen", ""),
    "fault_can": ("can", "disconnected", "silent_bus", "socketcan can0: the bus is silent; check its cable"),
    "fault_radio": ("radio", "disconnected", "down", "wlan0 is down; ip link set wlan0 up"),
}


@dataclass(frozen=True, slots=True)
class State:
    """One state: what is shown, and what differs from a unit in order."""

    name: str
    level: str = "none"
    function: str = "none"
    direction: str | None = None
    text_id: str = "none"
    more: tuple[tuple[str, Any], ...] = ()  # keys of the message that are otherwise


def _told() -> list[State]:
    """Each level of each function from each side."""
    states = []
    for level in LEVELS:
        for function, sides in SIDES.items():
            for side in sides:
                text = hmi_rules.text_of(CODES["FUNCTION"][function], CODES["LEVEL"][level], _BITS[side])
                name = f"{level}_{function}{f'_{side}' if side else ''}"
                states.append(State(name, level, function, side, word("TEXT", text)))
    return states


def _others() -> list[State]:
    off = {"on": False, "receiving": False, "fault": False}
    blind = {**scenes.scene([]), "ego": {**scenes.scene([])["ego"], "available": False, "reason": "no_fix"}}
    heading = {**scenes.quiet(), "north_up": True}
    fault = {"on": True, "receiving": True, "fault": True}
    deaf = (("system", {**fault, "receiving": False}), ("scene", scenes.scene([])))
    faults = [State(name, more=deaf if name == "fault_radio" else (("system", fault),)) for name in _FAULTS]
    return [
        State("quiet"),
        State("hold", "information", "crossing", "left", word("TEXT", hmi_rules.HELD_TEXT)),
        State("muted", "caution", "crossing", "left", "crossing_caution_left"),
        State("not_receiving", more=(("system", {**off, "on": True}), ("scene", scenes.scene([])))),
        State("system_off", more=(("system", off), ("scene", None), ("lamps", []))),
        State("no_position", more=(("system", {"on": True, "receiving": True, "fault": True}), ("scene", blind))),
        State("north_up", more=(("scene", heading),)),
        State("crowded", more=(("scene", {**scenes.many(48), "more": 12}),)),
        State("self_test", more=(("self_test", True),)),
        *faults,
        *(State(f"gone_{why}", more=(("alive", False), ("why_gone", why))) for why in WHY_GONE),
    ]


STATES: Final = {state.name: state for state in (*_told(), *_others())}


def message(name: str, n: int, t: float, view: str = "driver", language: str = "en") -> Message:
    """The message of a state. `n` rises, `t` is the epoch time in seconds, `view` "driver" or "bench".

    KeyError for a name that is not in STATES.
    """
    state = STATES[name]
    lamps = {"system", "receiving", *_lamps(state)}
    made: Message = {
        "n": n, "t": t, "alive": True, "why_gone": "", "language": language,
        "unit": {"vehicle_id": 5120, "asvkit": "gallery"}, "shown": _shown(state), "self_test": False,
        "system": {"on": True, "receiving": True, "fault": False}, "lamps": sorted(lamps),
        "inputs": _inputs(name, t), "signals": _signals(name, t),
        "own_message": {"position": True, "state": True, "reason": "ready", "state_reason": "ready"},
        "scene": _scene(state), **dict(state.more),
    }  # fmt: skip
    if made["scene"] is not None:
        made["scene"] = {"t": t, **made["scene"]}
    return {**made, **_bench(state, t)} if view == "bench" else made


def _scene(state: State) -> Message:
    if state.level == "none":
        return scenes.quiet()
    return scenes.of_function(state.function, state.level, state.direction)


def _lamps(state: State) -> set[str]:
    sides = {"both": {"left", "right"}, None: set()}.get(state.direction, {str(state.direction)})
    return {state.level, *sides} if state.level != "none" else set()


def _shown(state: State) -> Message:
    level = CODES["LEVEL"][state.level]
    colour, light, sound = hmi_rules.LEVELS[level]
    text = CODES["TEXT"][state.text_id]
    return {
        "level": state.level, "colour": word("COLOUR", colour), "function": state.function,
        "direction": state.direction, "light": word("LIGHT", light), "cue_n": list(STATES).index(state.name),
        "muted": state.name == "muted", "sound": word("SOUND", sound), "tone_hz": 0,
        "text": {language: texts[text] for language, texts in TEXTS.items()}, "text_id": state.text_id,
    }  # fmt: skip


def _inputs(name: str, t: float) -> Message:
    told = dict(_GOOD)
    if name in _FAULTS:
        which, *rest = _FAULTS[name]
        told[which] = (rest[0], rest[1], rest[2])
    if name == "no_position":
        told["gnss"] = ("stale", "no_fix", "")
    if name == "not_receiving":
        told["radio"] = ("silent", "no_input", "")
    return {
        which: {"state": state, "reason": reason, "since": t - _SINCE_S, "detail": detail}
        for which, (state, reason, detail) in told.items()
    }


def _signals(name: str, t: float) -> Message:
    state = ("silent", "timeout") if name == "fault_can" else ("ok", "received")
    return {
        signal: {"state": state[0], "reason": state[1], "since": t - _SINCE_S, "bus": 0}
        for signal in ("speed", "brake", "winker", "hazard", "shift")
    }


def _bench(state: State, t: float) -> Message:
    """What the bench's view has beside."""
    hops = (
        ("parsed_us", 61.0), ("taken_us", 148.0), ("decoded_us", 231.0), ("judged_us", 402.0), ("decided_us", 449.0),
        ("commanded_us", 497.0), ("lit_us", 871.0), ("sounded_us", 1012.0), ("written_us", 1103.0),
    )  # fmt: skip
    changes = (("caution", "frame"), ("information", "frame"), ("none", "signal"), ("information", "due"))
    last = []
    for place, (level, kind) in enumerate(changes):
        late = {key: round(value * (1 + place * 0.21), 1) for key, value in hops}
        none = {"parsed_us": None, "decoded_us": None} if kind == "due" else {}
        told = {"level": level, "function": "crossing", "cue": level != "none", "input": kind, "cause": 4711 - place}
        last.append({"t": t - 1.9 - place * 2.3, "event": "latency", **told, "stamp_ns": 0, **late, **none})
    quantiles = {"count": 412, "p50_us": 180.0, "p95_us": 390.0, "p99_us": 520.0, "max_us": 2210.0}
    statistics = {
        "t": t, "event": "statistics", "neighbours": 6, "cycles_missed": 0,
        **{
            name: {key: value if key == "count" else value * times for key, value in quantiles.items()}
            for name, times in (("frame_to_table", 1), ("frame_to_judged", 2), ("cause_to_pin", 5), ("cycle_late", 0.4))
        },
    }  # fmt: skip
    supports = [_support(one, t - place * 0.4) for place, one in enumerate((_scene(state) or {}).get("others", []))]
    supports += [_whole(t - 5, None, "ready"), _whole(t - 6, "autonomous", "external")]
    radio = {
        "t": t, "event": "radio", "vehicles": 6, "frames_per_s": 60, "arrival_percent": 98.7, "longest_gap_ms": 200,
        "worst_vehicle_id": 902, "worst_source": "192.0.2.153:47100", "worst_percent": 94.0,
    }  # fmt: skip
    return {"latency": {"last": last, "statistics": statistics}, "radio": radio, "supports": supports}


def _support(other: Message, t: float) -> Message:
    told = ("function", "level", "presented", "source", "distance_m", "ttc_s", "reason")
    far_m = other["distance_m"]
    numbers = {"error_m": 3.0, "threshold_m": None if far_m is None else 45.6}
    function, level = CODES["FUNCTION"][other["function"]], CODES["LEVEL"][other["level"]]
    far_dm = NONE if far_m is None else round(far_m * 10)
    sentence = why(function, level, int(other["presented"]), far_dm, 30, 456, CODES["REASON"][other["reason"]])
    return {
        "t": t, "event": "support", "vehicle_id": other["id"], "cause": 1,
        **{key: other[key] for key in told}, **numbers, "why": sentence,
    }  # fmt: skip


def _whole(t: float, source: str | None, reason: str) -> Message:
    """Of no vehicle that is heard: of a function as a whole, or of another support system."""
    none = dict.fromkeys(("vehicle_id", "distance_m", "error_m", "threshold_m", "ttc_s"))
    told = {"function": "crossing", "level": "none", "presented": False, "source": source, "reason": reason, "cause": 0}
    return {"t": t, "event": "support", **none, **told}
