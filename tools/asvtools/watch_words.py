"""A watched unit in words: what the views of `asvkit watch` have in common. Plain text, no terminal."""

import math
import time
from typing import Any, Final

from asvtools.watch_follow import LOST, REFUSED, SILENT, STOPPED, WAITING
from asvtools.watch_state import Watched
from asvunit.events import Event
from asvunit.why import SENTENCES
from asvunit.words import CODES

ONLY_RADIOS: Final = "vehicles without a radio are never shown"
_ARROWS: Final = "↑↗→↘↓↙←↖"
_MARKS: Final = str.maketrans(  # for terminals of ASCII alone
    dict(zip("↑↗→↘↓↙←↖◀▶▌♪", ("^", "^>", ">", "v>", "v", "<v", "<", "<^", "<", ">", "*", "~"), strict=True))
)
_GONE: Final = {
    WAITING: "no unit has been there yet",
    SILENT: "the unit hangs: it says nothing any more",
    STOPPED: "the unit was stopped",
    LOST: "the unit is gone, without a word",
    REFUSED: "the unit lets no more readers in",
}
_ENDS: Final = ("lit", "sounded", "written")  # what the driver has of it
_HOPS: Final = ("parsed", "taken", "decoded", "judged", "decided", "commanded", "lit", "sounded", "written")


def plain(text: Any) -> str:
    """Text that only says something to people, not to their terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(text))


def shown_as(text: str, encoding: str) -> str:
    """The text as a terminal of that encoding can show it: marks by their ASCII stand-ins, other letters by "?"."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_MARKS).encode(encoding, "replace").decode(encoding)
    return text


def in_english(event: Event, encoding: str) -> Event:
    """The event; where the encoding cannot show the driver's text, with the English one."""
    from asvunit.texts import TEXTS

    if event["event"] == "hmi":
        try:
            str(event.get("text")).encode(encoding)
        except UnicodeEncodeError:
            english = TEXTS["en"].get(CODES["TEXT"].get(str(event.get("text_id")), -1))
            return {**event, "text": english} if english else event
    return event


def gone_words(state: str) -> str:
    """Why nothing is shown."""
    return _GONE[state] if state == WAITING else f"{_GONE[state]}; what it showed counts no more"


def clock(epoch_s: float | None) -> str:
    """A unit's time as local time of day."""
    return "--:--:--" if epoch_s is None else time.strftime("%H:%M:%S", time.localtime(epoch_s))


def span(seconds: float) -> str:
    """How long, in a few characters."""
    seconds = max(seconds, 0.0)
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def why(reason: Any) -> str:
    """A reason's sentence; the word itself where there is none."""
    sentence = SENTENCES.get(CODES["REASON"].get(str(reason), -1))
    return sentence.text if sentence else str(reason).replace("_", " ")


def unit_name(watched: Watched) -> str:
    """Whose view it is."""
    version, vehicle_id = watched.get("start", "asvkit", "?"), watched.get("start", "vehicle_id", "?")
    return f"vehicle {vehicle_id}, asvkit {version}"


def system_words(system: Event) -> str:
    """The unit's own state."""
    words = [name for name in ("on", "receiving", "fault") if system.get(name)]
    return ", ".join(words) or "off"


def ego_words(watched: Watched) -> str:
    """What is known of the own vehicle."""
    ego = watched.get("scene", "ego")
    if not ego:
        return "own vehicle: not told yet"
    place = "position known"
    if not ego["available"]:
        place = f"POSITION NOT KNOWN ({str(ego['reason']).replace('_', ' ')})"
    elif ego["error_m"] is not None:
        place = f"position to {ego['error_m']:g} m"
    heading = "heading not known" if ego["heading_deg"] is None else f"heading {ego['heading_deg']:.0f} deg"
    speed = "speed not known" if ego["speed_kmh"] is None else f"{ego['speed_kmh']:.0f} km/h"
    acts = [f"winker {ego['winker']}"] if ego["winker"] not in (None, "off") else []
    acts += ["brake"] if ego["brake"] else []
    acts += ["waiting"] if ego["stopped"] else []
    return "own vehicle: " + ", ".join([place, heading, speed, *acts])


def own_message_words(watched: Watched) -> str:
    """What of the own message is missing, and why; "" while all of it is sent."""
    told = watched.last.get("own_message")
    if told is None:
        return ""
    missing = [
        f"{name} not sent ({str(told.get(key)).replace('_', ' ')})"
        for name, key in (("position", "reason"), ("state", "state_reason"))
        if not told.get(name)
    ]
    return f"own message: {', '.join(missing)}" if missing else ""


def input_rows(watched: Watched) -> list[tuple[str, str, str, str]]:
    """(name, state, since, what more there is to say) of each input."""
    rows = []
    for name, told in watched.inputs.items():
        since = told.get("since")
        ago = f"{clock(since)} ({span(watched.t - since)})" if isinstance(since, (int, float)) else ""
        more = plain(told.get("detail") or str(told.get("reason", "")).replace("_", " "))
        rows.append((name, str(told.get("state")), ago, more))
    return rows


def signal_words(watched: Watched) -> str:
    """The car's signals: those that come, and since when others do not."""
    good = [name for name, told in watched.signals.items() if told.get("state") == "ok"]
    bad = [
        f"{name} {told.get('state')} since {clock(told.get('since'))}"
        for name, told in watched.signals.items()
        if told.get("state") != "ok"
    ]
    return "car: " + "; ".join([*bad, *([f"{', '.join(good)} ok"] if good else [])]) if watched.signals else ""


def arrow(ahead_m: float, right_m: float) -> str:
    """Where that is, seen from ego that looks up."""
    return _ARROWS[round(math.degrees(math.atan2(right_m, ahead_m)) / 45) % 8]


def latency_words(watched: Watched) -> list[str]:
    """Of the last change, and of the run."""
    lines = []
    last = watched.last.get("latency")
    if last:
        ms = {name: last[f"{name}_us"] / 1000 for name in _HOPS if isinstance(last.get(f"{name}_us"), (int, float))}
        ends = ", ".join(f"{name} {ms[name]:.1f} ms" for name in _ENDS if name in ms)
        way = ", ".join(f"{name} {ms[name]:.1f}" for name in _HOPS if name in ms and name not in _ENDS)
        lines.append(f"{last.get('level')} after its cause ({last.get('input')}): {ends or 'not shown'}; {way}")
    whole = watched.get("statistics", "cause_to_pin", {})
    if whole.get("count"):
        late = watched.get("statistics", "cycle_late", {})
        share = f"; cycle late p99 {late['p99_us'] / 1000:.1f} ms" if late.get("count") else ""
        figures = ", ".join(f"{name} {whole[f'{name}_us'] / 1000:.1f} ms" for name in ("p50", "p99", "max"))
        lines.append(f"cause to pin: {figures} of {whole['count']}{share}")
    return lines or ["latency: no change has been presented yet"]


def radio_words(watched: Watched) -> str:
    """What is heard."""
    told = watched.last.get("radio")
    if not told:
        return ""
    if not told.get("vehicles"):
        return f"radio: no frame of a vehicle in the last second; {ONLY_RADIOS}"
    arrive, gap = told.get("arrival_percent"), told.get("longest_gap_ms")
    words = [f"{told['vehicles']} vehicles", f"{told.get('frames_per_s')} frames/s"]
    words += [f"{arrive:.0f} % arrive"] if arrive is not None else []
    words += [f"longest gap {gap:.0f} ms"] if gap is not None else []
    if told.get("worst_percent") is not None and told["worst_percent"] < 100:
        words.append(f"worst {told.get('worst_vehicle_id')} {told['worst_percent']:.0f} %")
    return "radio: " + ", ".join(words)
