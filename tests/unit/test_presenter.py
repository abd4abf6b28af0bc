"""Presenter: what each event lights and sounds, beside a plain model; patterns at exact times; outputs that fail."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asvcore import codes
from asvunit.events import Translator
from asvunit.identity import Sources
from asvunit.pins import Leds
from asvunit.ports import Shown
from asvunit.presenter import DIRECTIONS, LEVELS, RETRY_NS, SOUNDS, Presenter
from asvunit.words import CODES, WORDS, sides
from outputtools import MemoryOutputs

MS = 1_000_000
START = 5_000_000_123  # no round number: times are absolute
NOTHING = Shown()


def hmi(level="none", direction=None, function="crossing", sound=None, text=""):
    colour = {"none": "none", "information": "blue", "caution": "yellow", "warning": "red"}[level]
    sound = sound or {"caution": "caution", "warning": "caution"}.get(level, "none")
    body = {"level": level, "colour": colour, "function": function, "direction": direction, "sound": sound}
    return {"t": 1.0, "event": "hmi", **body, "text": text, "text_id": "none", "cause": 7}


@pytest.fixture
def memory():
    return MemoryOutputs()


@pytest.fixture
def presenter(memory):
    return Presenter([memory])


def run(presenter, until_ns):
    """Ticks when due, as the unit does when it is never late: (time, tone) of each."""
    told = []
    while (due_ns := presenter.due_ns()) is not None and due_ns <= until_ns:
        assert presenter.tick(due_ns)
        told.append((due_ns, presenter.shown.tone_hz))
    return told


def edges(start_ns, hz=1000, on=200, off=200, repeats=5):
    """The times at which the sound of caution changes."""
    times = [(start_ns + turn * (on + off) * MS, hz) for turn in range(repeats)]
    return sorted([*times, *((time_ns + on * MS, 0) for time_ns, _ in times)])


# Tables


def test_tables_know_every_word_that_the_core_can_say():
    assert [word for _, word in sorted(WORDS["LEVEL"].items())] == list(LEVELS)[: len(WORDS["LEVEL"])]
    assert set(CODES["SOUND"]) == set(SOUNDS)
    assert {sides(direction) for direction in range(4)} == set(DIRECTIONS)


def test_every_lamp_is_one_of_the_pin_map():
    lamps = set(Leds.model_fields)
    assert set(LEVELS[1:]) | set().union(*DIRECTIONS.values()) | {"system", "receiving", "fault"} == lamps


def test_caution_sounds_for_the_least_presentation():
    pattern = SOUNDS["caution"]
    assert pattern.hz == 1000
    assert pattern.repeats * (pattern.on_ns + pattern.off_ns) == 2000 * MS


def test_it_reads_the_events_of_the_unit(presenter):
    record = [codes.COMMAND_HMI, 1, 1000, 3]
    record += [codes.LEVEL_CAUTION, codes.COLOUR_YELLOW, codes.FUNCTION_CROSSING, codes.DIRECTION_LEFT]
    record += [codes.SOUND_CAUTION, codes.TEXT_CROSSING_CAUTION_LEFT, 0, 0, 0, 0]
    event = Translator(Sources(), "en").event(record, 1.0)
    assert presenter.hmi(event, START)
    shown = presenter.shown
    assert replace(shown, text="") == Shown(
        "caution", "yellow", "crossing", "left", "", frozenset({"caution", "left"}), 1000
    )
    assert shown.text == event["text"] != ""


# Rules


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_lamps_of_level_and_direction(presenter, level, direction):
    presenter.hmi(hmi(level, direction), START)
    sides_lit = {None: [], "both": ["left", "right"]}.get(direction, [direction])
    assert presenter.shown.lamps == {*sides_lit, *([] if level == "none" else [level])}


@pytest.mark.parametrize("on", [True, False])
@pytest.mark.parametrize("receiving", [True, False])
@pytest.mark.parametrize("fault", [True, False])
def test_lamps_of_the_system_stand_beside_those_of_the_support(presenter, memory, on, receiving, fault):
    lit = {name for name, state in (("system", on), ("receiving", receiving), ("fault", fault)) if state}
    assert presenter.system(on, receiving, fault, START) == bool(lit)
    assert not presenter.system(on, receiving, fault, START + 1)
    presenter.hmi(hmi("information", "right"), START + 2)
    assert memory.told[-1].lamps == lit | {"information", "right"}
    presenter.system(False, False, True, START + 3)
    assert memory.told[-1].lamps == {"fault", "information", "right"}


def test_sound_and_light_begin_in_one_show(presenter, memory):
    presenter.hmi(hmi("caution", "left", text="look"), START)
    lamps = frozenset({"caution", "left"})
    assert memory.told == [Shown("caution", "yellow", "crossing", "left", "look", lamps, 1000)]


STATES = [
    (level, function, direction, sound)
    for level, sounds in (("none", ["none"]), ("information", ["none", "caution"]), ("caution", ["none", "caution"]))
    for function in ("crossing", "right_turn")
    for direction in (None, "left", "right", "both")
    for sound in sounds
] + [("warning", "crossing", "left", "caution")]


def sounds_anew(before, now):
    """The rule, in words of its own."""
    rank = ["none", "information", "caution", "warning"].index
    lit = {None: "", "left": "l", "right": "r", "both": "lr"}
    if now[3] == "none":
        return False
    side_added = any(side not in lit[before[2]] for side in lit[now[2]])
    return rank(now[0]) > rank(before[0]) or now[1] != before[1] or side_added or before[3] == "none"


@pytest.mark.parametrize("before", STATES, ids=lambda state: "-".join(map(str, state)))
def test_every_change_sounds_by_the_rule(before):
    for now in STATES:
        for after_ms in (0, 300, 2500):  # in a tone, in a pause, when it is over
            presenter = Presenter([MemoryOutputs()])
            presenter.hmi(hmi(before[0], before[2], before[1], before[3]), START)
            time_ns = START + after_ms * MS
            presenter.hmi(hmi(now[0], now[2], now[1], now[3], text="other"), time_ns)
            falls = LEVELS.index(now[0]) < LEVELS.index(before[0])
            if sounds_anew(before, now):
                begun_ns = time_ns
            elif before[3] == "none" or now[3] == "none" or falls:
                begun_ns = None
            else:
                begun_ns = START
            expected = [] if begun_ns is None else edges(begun_ns)
            tone_hz = next((hz for edge_ns, hz in reversed(expected) if edge_ns <= time_ns), 0)
            assert presenter.shown.tone_hz == tone_hz, (now, after_ms)
            assert run(presenter, START + 10_000 * MS) == [edge for edge in expected if edge[0] > time_ns]


def test_a_target_that_has_passed_makes_no_sound(presenter, memory):
    presenter.hmi(hmi("caution", "both", text="both"), START)
    run(presenter, START + 5000 * MS)
    assert presenter.hmi(hmi("caution", "left", text="left"), START + 5000 * MS)
    assert memory.told[-1].tone_hz == 0
    assert memory.told[-1].lamps == {"caution", "left"}
    assert presenter.due_ns() is None


def test_an_event_that_changes_nothing_shows_nothing(presenter, memory):
    presenter.hmi(hmi("information", "left"), START)
    assert not presenter.hmi(hmi("information", "left"), START + 1)
    assert len(memory.told) == 1


# Patterns


def test_edges_come_at_exact_times(presenter, memory):
    presenter.hmi(hmi("caution", "left"), START)
    assert run(presenter, START + 10_000 * MS) == edges(START)[1:]
    assert presenter.due_ns() is None
    assert [shown.tone_hz for shown in memory.told] == [1000, 0] * 5
    assert {shown.lamps for shown in memory.told} == {frozenset({"caution", "left"})}  # steady, not blinking
    assert not presenter.tick(START + 20_000 * MS)


def test_a_tick_before_its_time_shows_nothing(presenter):
    presenter.hmi(hmi("caution", "left"), START)
    assert not presenter.tick(START + 200 * MS - 1)
    assert presenter.due_ns() == START + 200 * MS
    assert presenter.tick(START + 200 * MS)


@pytest.mark.parametrize(
    ("late_ms", "tone_hz", "next_ms"),
    [(210, 0, 400), (399, 0, 400), (400, 1000, 600), (555, 1000, 600), (650, 0, 800), (1799, 1000, 1800)],
)
def test_a_late_tick_goes_on_where_the_pattern_is(presenter, memory, late_ms, tone_hz, next_ms):
    presenter.hmi(hmi("caution", "left"), START)
    shows = len(memory.told)
    assert presenter.tick(START + late_ms * MS) == (tone_hz == 0)  # the same tone again is nothing to show
    assert len(memory.told) == shows + (tone_hz == 0)
    assert presenter.shown.tone_hz == tone_hz
    assert presenter.due_ns() == START + next_ms * MS


@pytest.mark.parametrize("late_ms", [1800, 2000, 60_000])
def test_a_pattern_that_is_over_is_silent_at_once(presenter, memory, late_ms):
    presenter.hmi(hmi("caution", "left"), START)
    assert presenter.tick(START + late_ms * MS)
    assert [shown.tone_hz for shown in memory.told] == [1000, 0]
    assert presenter.due_ns() is None


def test_time_that_steps_back_changes_nothing(presenter):
    presenter.hmi(hmi("caution", "left"), START)
    presenter.tick(START + 200 * MS)
    assert not presenter.tick(START)
    assert presenter.due_ns() == START + 400 * MS
    presenter.hmi(hmi("caution", "both"), START - 1000 * MS)  # begins now, not a second ago
    assert presenter.due_ns() == START + 400 * MS
    assert presenter.shown.tone_hz == 1000


def test_dark_is_all_off_and_the_next_caution_sounds(presenter, memory):
    presenter.system(True, True, False, START)
    presenter.hmi(hmi("caution", "left"), START)
    assert presenter.dark(START + 1)
    assert memory.told[-1] == presenter.shown == NOTHING
    assert presenter.due_ns() is None
    assert not presenter.dark(START + 2)
    presenter.hmi(hmi("caution", "left"), START + 3)
    assert memory.told[-1].lamps == {"caution", "left"}
    assert memory.told[-1].tone_hz == 1000


steps = st.tuples(
    st.sampled_from(["hmi", "hmi", "tick", "due", "system"]),
    st.integers(-100, 900),
    st.sampled_from(STATES),
    st.tuples(st.booleans(), st.booleans(), st.booleans()),
)


@given(st.lists(steps, max_size=30))
def test_any_course_of_events_is_as_the_model_says(course):
    memory = MemoryOutputs()
    presenter = Presenter([memory])
    said, pattern, system, time_ns, before = ("none", "none", None, "none"), [], set(), 0, NOTHING
    for kind, wait_ms, state, flags in course:
        asked_ns = time_ns + wait_ms * MS
        if kind == "due":
            asked_ns = presenter.due_ns() or asked_ns
        time_ns = max(time_ns, asked_ns)
        if kind == "hmi":
            if sounds_anew(said, state):
                pattern = edges(time_ns)
            elif state[3] == "none" or LEVELS.index(state[0]) < LEVELS.index(said[0]):
                pattern = []
            said = state
            told = presenter.hmi(hmi(state[0], state[2], state[1], state[3]), asked_ns)
        elif kind == "system":
            system = set(itertools.compress(("system", "receiving", "fault"), flags))
            told = presenter.system(*flags, asked_ns)
        else:
            told = presenter.tick(asked_ns)
        tone_hz = next((hz for edge_ns, hz in reversed(pattern) if edge_ns <= time_ns), 0)
        lamps = system | DIRECTIONS[said[2]] | ({said[0]} - {"none"})
        shown = presenter.shown
        assert (shown.lamps, shown.tone_hz, shown.level, shown.direction) == (lamps, tone_hz, said[0], said[2])
        assert told == (shown != before)
        assert (memory.told[-1] if memory.told else NOTHING) == shown
        assert presenter.due_ns() == next((edge_ns for edge_ns, _ in pattern if edge_ns > time_ns), None)
        before = shown


# Outputs that fail


def test_an_output_that_fails_keeps_nothing_from_the_others():
    broken, sound = MemoryOutputs("gpio"), MemoryOutputs("screen")
    presenter = Presenter([broken, sound])
    broken.broken = OSError(5, "pin 6 does not answer")
    assert presenter.hmi(hmi("information", "left"), START)  # the screen showed it
    assert sound.told == [presenter.shown]
    assert presenter.failures == {"gpio": 1}
    assert presenter.down == {"gpio": "pin 6 does not answer"}


def test_a_failed_output_is_told_again_at_the_next_change_and_each_second():
    broken, sound = MemoryOutputs("gpio"), MemoryOutputs("screen")
    presenter = Presenter([broken, sound])
    broken.broken = OSError(5, "gone")
    presenter.hmi(hmi("information", "left"), START)
    assert presenter.due_ns() == START + RETRY_NS
    assert not presenter.tick(START + RETRY_NS - 1)
    assert presenter.failures["gpio"] == 1  # not before it is due
    assert not presenter.tick(START + RETRY_NS)
    assert presenter.failures["gpio"] == 2
    assert presenter.due_ns() == START + 2 * RETRY_NS
    presenter.system(True, False, False, START + RETRY_NS + 5)
    assert presenter.failures["gpio"] == 3
    assert presenter.due_ns() == START + 2 * RETRY_NS + 5
    broken.broken = None
    assert presenter.tick(START + 2 * RETRY_NS + 5)
    assert presenter.down == {}
    assert broken.told == [presenter.shown]
    assert len(sound.told) == 2  # what it shows already, it is not told again
    assert presenter.due_ns() is None
    assert presenter.failures == {"gpio": 3}


def test_a_pattern_goes_on_while_an_output_fails_and_the_edge_tells_it_again():
    broken = MemoryOutputs()
    presenter = Presenter([broken])
    broken.broken = OSError("no text of its own")
    assert not presenter.hmi(hmi("caution", "left"), START)
    assert presenter.down == {"memory": "no text of its own"}
    assert presenter.due_ns() == START + 200 * MS
    broken.broken = None
    assert presenter.tick(START + 200 * MS)
    assert broken.told == [presenter.shown]
    assert presenter.down == {}


def test_a_failed_output_is_dark_as_soon_as_it_answers():
    broken = MemoryOutputs()
    presenter = Presenter([broken])
    presenter.system(True, False, False, START)
    broken.broken = OSError(5, "gone")
    assert not presenter.dark(START + 1)
    broken.broken = None
    assert presenter.tick(presenter.due_ns())
    assert broken.told[-1] == NOTHING


def test_outputs_of_one_name_are_told_apart():
    first, second = MemoryOutputs(), MemoryOutputs()
    second.broken = OSError(5, "gone")
    presenter = Presenter([first, second])
    presenter.system(True, False, False, START)
    assert presenter.down == {"memory_2": "gone"}
    assert len(first.told) == 1
