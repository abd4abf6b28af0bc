"""Presenter: what each event lights and sounds, beside a plain model; patterns at exact times; outputs that fail."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asvcore import codes, pattern
from asvcore.hmi_rules import SOUNDS
from asvunit.events import Translator
from asvunit.identity import Sources
from asvunit.pins import Leds
from asvunit.ports import Shown
from asvunit.presenter import DIRECTIONS, LAMPS, LEVELS, RETRY_NS, SELF_TEST_NS, Presenter
from asvunit.words import CODES, sides
from outputtools import MemoryOutputs

MS = 1_000_000
START = 5_000_000_123  # no round number: times are absolute
NOTHING = Shown()
OF_LEVEL = {  # colour, light, sound
    "none": ("none", "off", "none"),
    "information": ("blue", "steady", "none"),
    "caution": ("yellow", "caution", "caution"),
    "warning": ("red", "warning", "warning"),
}
HZ = {"caution": 1000, "warning": 2000}
PHASE_MS = {"caution": 200, "warning": 100}  # on, and off


def hmi(level="none", direction=None, function="crossing", text="", cue=True, muted=False):
    colour, light, sound = OF_LEVEL[level]
    body = {"level": level, "colour": colour, "function": function, "direction": direction, "sound": sound}
    body |= {"text": text, "text_id": "none", "light": light, "cue": cue and level != "none", "muted": muted}
    return {"t": 1.0, "event": "hmi", **body, "cause": 7}


@pytest.fixture
def memory():
    return MemoryOutputs()


@pytest.fixture
def presenter(memory):
    return Presenter([memory])


def run(presenter, until_ns):
    """Ticks when due, as the unit does when it is never late: (time, tone, level's lamp) of each."""
    told = []
    while (due_ns := presenter.due_ns()) is not None and due_ns <= until_ns:
        presenter.tick(due_ns)
        told.append((due_ns, presenter.shown.tone_hz, presenter.shown.level in presenter.shown.lamps))
    return told


def caution_edges(start_ns):
    """(time, tone, lamp) at which caution changes: five tones, the lamp with them, and steady after two seconds."""
    told = [
        (start_ns + turn * 400 * MS + half * 200 * MS, 0 if half else 1000, not half)
        for turn in range(5)
        for half in (0, 1)
    ]
    return [*told, (start_ns + 2000 * MS, 0, True)]


# Tables


def test_tables_know_every_word_that_the_core_can_say():
    assert LEVELS == ("none", "information", "caution", "warning")
    assert len(SOUNDS) == len(CODES["SOUND"])
    assert {sides(direction) for direction in range(4)} == set(DIRECTIONS)


def test_every_lamp_is_one_of_the_pin_map():
    assert set(Leds.model_fields) == LAMPS


def test_it_reads_the_events_of_the_unit(presenter):
    record = [codes.COMMAND_HMI, 1, 1000, 3]
    record += [codes.LEVEL_CAUTION, codes.COLOUR_YELLOW, codes.FUNCTION_CROSSING, codes.DIRECTION_LEFT]
    record += [codes.SOUND_CAUTION, codes.TEXT_CROSSING_CAUTION_LEFT, codes.LIGHT_CAUTION, 1, 0, 0]
    event = Translator(Sources(), "en").event(record, 1.0)
    assert presenter.hmi(event, START)
    shown = presenter.shown
    assert replace(shown, text="") == Shown(
        level="caution",
        colour="yellow",
        function="crossing",
        direction="left",
        text_id="crossing_caution_left",
        light="caution",
        lamps=frozenset({"caution", "left"}),
        tone_hz=1000,
        volume_percent=80,
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
    (shown,) = memory.told
    assert (shown.lamps, shown.tone_hz, shown.text) == ({"caution", "left"}, 1000, "look")


def test_levels_differ_in_frequency_interval_and_sound_pressure(presenter):
    told = {}
    for at, level in enumerate(("caution", "warning")):
        presenter.hmi(hmi(level, "left"), START + at * 10_000 * MS)
        began, shown = START + at * 10_000 * MS, presenter.shown
        told[level] = (shown.tone_hz, presenter.due_ns() - began, shown.volume_percent)
    assert all(one != other for one, other in zip(told["caution"], told["warning"], strict=True))


@pytest.mark.parametrize(("volume", "heard"), [(100, 80), (50, 40), (10, 8)])
def test_the_volume_scales_the_sound_pressure_of_the_level(memory, volume, heard):
    presenter = Presenter([memory], volume)
    presenter.hmi(hmi("caution", "left"), START)
    assert presenter.shown.volume_percent == heard


def test_what_has_no_cue_goes_on_as_it_is(presenter):
    presenter.hmi(hmi("caution", "both"), START)
    presenter.tick(START + 250 * MS)
    presenter.hmi(hmi("caution", "left", cue=False), START + 250 * MS)
    assert run(presenter, START + 10_000 * MS) == [one for one in caution_edges(START) if one[0] > START + 250 * MS]


def test_a_cue_begins_light_and_sound_anew(presenter):
    presenter.hmi(hmi("caution", "left"), START)
    presenter.tick(START + 250 * MS)
    presenter.hmi(hmi("caution", "both"), START + 250 * MS)
    assert run(presenter, START + 10_000 * MS) == caution_edges(START + 250 * MS)[1:]


def test_what_falls_is_silent_and_steady_at_once(presenter, memory):
    presenter.hmi(hmi("caution", "left"), START)
    presenter.hmi(hmi("information", "left", cue=False), START + 100 * MS)
    assert (memory.told[-1].lamps, memory.told[-1].tone_hz) == ({"information", "left"}, 0)
    assert presenter.due_ns() is None


def test_mute_silences_the_tone_and_the_lamp_goes_on(presenter, memory):
    presenter.hmi(hmi("caution", "left"), START)
    presenter.hmi(hmi("caution", "left", cue=False, muted=True), START + 100 * MS)
    assert (memory.told[-1].tone_hz, memory.told[-1].muted) == (0, True)
    later = run(presenter, START + 10_000 * MS)
    assert [(at, lamp) for at, _hz, lamp in later] == [(at, lamp) for at, _, lamp in caution_edges(START)[1:]]
    assert {hz for _at, hz, _lamp in later} == {0}
    presenter.hmi(hmi("caution", "left"), START + 10_000 * MS)
    assert memory.told[-1].tone_hz == 1000


def test_an_event_that_changes_nothing_shows_nothing(presenter, memory):
    presenter.hmi(hmi("information", "left"), START)
    assert not presenter.hmi(hmi("information", "left"), START + 1)
    assert len(memory.told) == 1


# Patterns


def test_edges_come_at_exact_times(presenter, memory):
    presenter.hmi(hmi("caution", "left"), START)
    assert run(presenter, START + 10_000 * MS) == caution_edges(START)[1:]
    assert presenter.due_ns() is None
    assert presenter.shown.lamps == {"caution", "left"}  # steady from then on
    assert not presenter.tick(START + 20_000 * MS)


def test_a_warning_goes_on_for_as_long_as_it_lasts(presenter):
    presenter.hmi(hmi("warning", "left"), START)
    told = run(presenter, START + 60_000 * MS)
    assert told == [(START + at * 100 * MS, 0 if at % 2 else 2000, at % 2 == 0) for at in range(1, 601)]


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
    assert ("caution" in presenter.shown.lamps) == (tone_hz > 0)  # the lamp goes with it
    assert presenter.due_ns() == START + next_ms * MS


@pytest.mark.parametrize("late_ms", [2000, 2100, 60_000])
def test_a_pattern_that_is_over_is_silent_and_steady_at_once(presenter, memory, late_ms):
    presenter.hmi(hmi("caution", "left"), START)
    assert presenter.tick(START + late_ms * MS)
    assert [(shown.tone_hz, "caution" in shown.lamps) for shown in memory.told] == [(1000, True), (0, True)]
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


# Self-test


def test_the_self_test_lights_every_lamp_for_a_second_and_sounds_shortly(presenter, memory):
    presenter.system(True, False, True, START)
    assert presenter.self_test(START)
    assert (memory.told[-1].lamps, memory.told[-1].tone_hz) == (LAMPS, 500)
    due_ns = presenter.due_ns()
    assert presenter.tick(due_ns)
    assert (presenter.shown.lamps, presenter.shown.tone_hz) == (LAMPS, 0)
    assert presenter.testing
    assert presenter.due_ns() == START + SELF_TEST_NS
    assert presenter.tick(START + SELF_TEST_NS)
    assert presenter.shown.lamps == {"system", "fault"}
    assert not presenter.testing
    assert presenter.due_ns() is None


def test_support_ends_the_self_test_at_once(presenter):
    presenter.self_test(START)
    presenter.hmi(hmi("caution", "left"), START + 100 * MS)
    assert (presenter.shown.lamps, presenter.shown.tone_hz) == ({"caution", "left"}, 1000)
    assert run(presenter, START + 10_000 * MS) == caution_edges(START + 100 * MS)[1:]


def test_there_is_no_self_test_while_support_is_shown(presenter):
    presenter.hmi(hmi("information", "left"), START)
    assert not presenter.self_test(START + 1)
    assert presenter.shown.lamps == {"information", "left"}


STATES = [
    (level, direction, cue, muted)
    for level in LEVELS
    for direction in (None, "left", "both")
    for cue, muted in ((True, False), (False, False), (False, True))
]
steps = st.tuples(
    st.sampled_from(["hmi", "hmi", "tick", "due", "system"]),
    st.integers(-100, 900),
    st.sampled_from(STATES),
    st.tuples(st.booleans(), st.booleans(), st.booleans()),
)


def is_on(level, elapsed_ms):
    """Whether the flash or the tone of a level is on, in words of its own; None: its pattern is over."""
    if level == "caution" and elapsed_ms >= 2000:
        return None
    return elapsed_ms // PHASE_MS[level] % 2 == 0


@given(st.lists(steps, max_size=30))
def test_any_course_of_events_is_as_the_model_says(course):
    memory = MemoryOutputs()
    presenter = Presenter([memory])
    level, direction, lit_ns, sounding, system, time_ns, before = "none", None, 0, None, set(), 0, NOTHING
    for kind, wait_ms, state, flags in course:
        asked_ns = time_ns + wait_ms * MS
        if kind == "due":
            asked_ns = presenter.due_ns() or asked_ns
        time_ns = max(time_ns, asked_ns)
        if kind == "hmi":
            cue = state[2] and state[0] != "none"
            if cue or OF_LEVEL[state[0]][1] != OF_LEVEL[level][1]:
                lit_ns = time_ns
            if cue:
                sounding = (state[0], time_ns)
            elif state[3] or sounding is None or state[0] != sounding[0]:
                sounding = None
            level, direction = state[:2]
            told = presenter.hmi(hmi(level, direction, cue=state[2], muted=state[3]), asked_ns)
        elif kind == "system":
            system = set(itertools.compress(("system", "receiving", "fault"), flags))
            told = presenter.system(*flags, asked_ns)
        else:
            told = presenter.tick(asked_ns)
        tone_hz = 0
        if sounding and sounding[0] in HZ and is_on(sounding[0], (time_ns - sounding[1]) // MS):
            tone_hz = HZ[sounding[0]]
        lit = level == "information" or (level in HZ and is_on(level, (time_ns - lit_ns) // MS) in (True, None))
        shown = presenter.shown
        assert shown.lamps == system | DIRECTIONS[direction] | ({level} if lit else set())
        assert (shown.tone_hz, shown.level, shown.direction) == (tone_hz, level, direction)
        assert told == (shown != before)
        assert (memory.told[-1] if memory.told else NOTHING) == shown
        before = shown


@pytest.mark.parametrize("light", range(4))
def test_nothing_changes_between_two_edges_of_a_light(light):
    edges, at = [0], 0
    while (at := pattern.next_light_ms(light, at)) > 0 and at < 3000:
        edges.append(at)
    seen = [ms for ms in range(1, 3000) if pattern.lit(light, ms) != pattern.lit(light, ms - 1)]
    assert seen == edges[1:]


@pytest.mark.parametrize("sound", range(4))
def test_nothing_changes_between_two_edges_of_a_sound(sound):
    edges, at = [0], 0
    while (at := pattern.next_sound_ms(sound, at)) > 0 and at < 3000:
        edges.append(at)
    seen = [ms for ms in range(1, 3000) if pattern.tone_hz(sound, ms) != pattern.tone_hz(sound, ms - 1)]
    assert seen == edges[1:]


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
