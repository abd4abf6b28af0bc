"""Messages to browsers: a unit's lines in, one JSON text a view out; what is not current says so."""

import json
from typing import Any

import pytest

from asvunit.screen.messages import LATENCIES, SUPPORTS, Messages
from asvunit.texts import TEXTS
from asvunit.words import CODES
from screentools import HMI, START, SYSTEM, scene


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def messages(clock: Clock) -> Messages:
    made = Messages("ja", clock)
    made.begin()
    return made


def take(messages: Messages, *events: dict[str, Any]) -> list[bool]:
    return [messages.take(json.dumps(event, ensure_ascii=False).encode()) for event in events]


def told(messages: Messages, view: str = "driver") -> dict[str, Any]:
    return dict(json.loads(messages.message(view)))


def test_nothing_known_is_a_whole_message_that_says_gone(clock: Clock) -> None:
    message = told(Messages("en", clock))
    assert (message["alive"], message["why_gone"]) == (False, "lost")
    assert message["shown"]["level"] == "none"
    assert message["scene"] is None
    assert message["language"] == "en"


def test_what_the_driver_is_told(messages: Messages) -> None:
    outputs = {"t": 101.0, "event": "outputs", "lamps": ["caution", "left"], "tone_hz": 1000}
    assert take(messages, START, SYSTEM, HMI, outputs, scene(11)) == [False, True, True, False, True]
    message = told(messages)
    assert message["alive"] is True
    assert message["why_gone"] == ""
    assert message["unit"] == {"vehicle_id": 4711, "asvkit": "1.2.3"}
    assert message["system"] == {"on": True, "receiving": True, "fault": False}
    assert message["lamps"] == ["caution", "left"]
    code = CODES["TEXT"]["crossing_caution_left"]
    assert message["shown"] == {
        "level": "caution", "colour": "yellow", "function": "crossing", "direction": "left", "light": "caution",
        "cue_n": 1, "muted": False, "sound": "caution", "tone_hz": 1000, "text_id": "crossing_caution_left",
        "text": {"en": TEXTS["en"][code], "ja": TEXTS["ja"][code]},
    }  # fmt: skip
    assert message["scene"] == scene(11)
    assert message["t"] == scene(11)["t"]
    assert message["language"] == "ja"


def test_cues_are_counted_and_mute_is_none(messages: Messages) -> None:
    take(messages, HMI, {**HMI, "cue": False, "muted": True})
    assert told(messages)["shown"]["cue_n"] == 1
    assert told(messages)["shown"]["muted"] is True
    take(messages, HMI)
    assert told(messages)["shown"]["cue_n"] == 2


def test_a_text_that_has_no_name_is_told_as_it_came(messages: Messages) -> None:
    take(messages, {**HMI, "text_id": "of_another_version", "text": "くるま"})
    assert told(messages)["shown"]["text"] == {"en": "くるま", "ja": "くるま"}


def test_states_by_their_names(messages: Messages) -> None:
    gnss = {"t": 1.0, "event": "status", "input": "gnss", "state": "silent", "reason": "timeout", "since": 0.5}
    can = {"t": 1.0, "event": "status", "input": "can", "state": "ok", "reason": "running", "since": 0.1}
    signal = {"t": 1.0, "event": "signal", "signal": "speed", "state": "ok", "reason": "fresh", "since": 0.2, "bus": 1}
    own = {"t": 1.0, "event": "own_message", "position": True, "state": False, "reason": "a", "state_reason": "b"}
    take(messages, gnss, can, signal, own, {**gnss, "state": "ok", "reason": "running", "since": 2.5, "detail": "x"})
    message = told(messages)
    assert message["inputs"] == {
        "gnss": {"state": "ok", "reason": "running", "since": 2.5, "detail": "x"},
        "can": {"state": "ok", "reason": "running", "since": 0.1, "detail": ""},
    }
    assert message["signals"] == {"speed": {"state": "ok", "reason": "fresh", "since": 0.2, "bus": 1}}
    assert message["own_message"] == {"position": True, "state": False, "reason": "a", "state_reason": "b"}


def test_self_test_begins_and_ends(messages: Messages) -> None:
    assert take(messages, {"t": 1.0, "event": "self_test", "state": "begin"}) == [True]
    assert told(messages)["self_test"] is True
    take(messages, {"t": 2.0, "event": "self_test", "state": "end"})
    assert told(messages)["self_test"] is False


def test_bench_has_more_and_keeps_a_bounded_past(messages: Messages) -> None:
    latencies = [{"t": float(n), "event": "latency", "written_us": n} for n in range(LATENCIES + 5)]
    supports = [{"t": float(n), "event": "support", "why": str(n)} for n in range(SUPPORTS + 5)]
    radio = {"t": 1.0, "event": "radio", "vehicles": 3}
    figures = {"t": 1.0, "event": "statistics", "neighbours": 3}
    assert not any(take(messages, *latencies, *supports, radio, figures))
    bench = told(messages, "bench")
    assert [one["written_us"] for one in bench["latency"]["last"]] == list(range(LATENCIES + 4, 4, -1))
    assert [one["why"] for one in bench["supports"]] == [str(n) for n in range(SUPPORTS + 4, 4, -1)]
    assert bench["radio"] == radio
    assert bench["latency"]["statistics"] == figures
    assert not {"latency", "supports", "radio"} & told(messages, "driver").keys()
    assert bench.keys() - told(messages, "driver").keys() == {"latency", "supports", "radio"}
    take(messages, {"t": 99.0, "event": "latency", "written_us": 99})
    assert told(messages, "bench")["latency"]["last"][0]["written_us"] == 99


@pytest.mark.parametrize("separators", [(", ", ": "), (",", ":")])
def test_scenes_are_handed_on_as_they_are_written(messages: Messages, separators: tuple[str, str]) -> None:
    line = json.dumps(scene(3, others=48), separators=separators, ensure_ascii=False)
    assert messages.take(line.encode())
    assert line in messages.message("driver")
    assert told(messages)["scene"]["others"][47]["id"] == 47


def test_a_unit_without_scenes_is_silent_not_alive(messages: Messages, clock: Clock) -> None:
    assert told(messages)["why_gone"] == "silent"  # connected, and no scene yet
    take(messages, scene(1))
    clock.now_s += 0.49
    assert told(messages)["alive"]
    clock.now_s += 0.02
    take(messages, SYSTEM)  # whatever else it tells
    assert told(messages)["why_gone"] == "silent"
    assert told(messages)["scene"] == scene(1)  # as last known
    take(messages, scene(2))
    assert told(messages)["alive"]


@pytest.mark.parametrize(
    ("last", "why"), [([], "lost"), ([{"t": 5.0, "event": "stop", "reason": "sigint"}], "stopped")]
)
def test_why_a_unit_is_gone(messages: Messages, last: list[dict[str, Any]], why: str) -> None:
    take(messages, HMI, scene(1), *last)
    messages.end()
    assert told(messages)["alive"] is False
    assert told(messages)["why_gone"] == why


def test_after_lost_events_nothing_is_current_until_all_is_told_again(messages: Messages) -> None:
    take(messages, HMI, scene(1))
    assert take(messages, {"event": "lost", "count": 3}, scene(2)) == [True, True]
    assert told(messages)["why_gone"] == "lost"
    messages.begin()
    take(messages, scene(3))
    assert told(messages)["alive"]


def test_another_unit_knows_nothing_of_the_one_before(messages: Messages) -> None:
    take(messages, START, HMI, scene(1))
    messages.end()
    messages.begin()
    message = told(messages)
    assert message["shown"]["level"] == "none"
    assert message["scene"] is None
    assert message["unit"]["vehicle_id"] is None
    assert message["why_gone"] == "silent"


@pytest.mark.parametrize(
    "line",
    [
        b"", b"{", b"null", b"[]", b"7", b'"hmi"', b"{}", b"\xff\xfe", b"[" * 100_000,
        b'{"event": "hmi"}', b'{"t": 1, "event": []}', b'{"t": 1, "event": "status"}',
        b'{"t": "x", "event": "start", "vehicle_id": 1, "asvkit": ""}', b'{"t": 1, "event": "radio", "loss": NaN}',
        b'{"t": 1-, "event": "scene"}', b'{"t": 1.0, "event": "scene", "x": "\xff"}',
    ],
)  # fmt: skip
def test_what_is_no_event_is_counted(messages: Messages, line: bytes) -> None:
    take(messages, HMI, scene(1))
    before = told(messages)
    assert messages.take(line) is False
    assert messages.counters.total() == 1
    assert {**told(messages), "unit": None} == {**before, "unit": None}


def test_events_of_other_kinds_are_no_mistake(messages: Messages) -> None:
    assert take(messages, {"t": 1.0, "event": "ready", "after_s": 3}, {"event": "of_tomorrow"}) == [False, False]
    assert not messages.counters


def test_numbers_rise(messages: Messages) -> None:
    numbers = []
    for _ in range(3):
        messages.next_number()
        numbers.append(told(messages)["n"])
    assert numbers == [1, 2, 3]


def test_foreign_text_stays_text(messages: Messages) -> None:
    nasty = '</script><img onerror="x">\u2028"}'
    take(messages, {"t": 1.0, "event": "status", "input": nasty, "state": nasty, "reason": nasty, "detail": nasty})
    assert told(messages)["inputs"][nasty]["detail"] == nasty
