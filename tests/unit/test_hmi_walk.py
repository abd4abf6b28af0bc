"""Every state and transition of what the driver is told, beside a model of its own; and through a real core."""

import itertools
from types import SimpleNamespace

import pytest

from asvcore import codes
from asvcore.hmi import Hmi
from asvcore.params import NONE
from asvcore.support import ACTIVE, HOLD
from asvunit.words import WORDS, sides, word
from coretools import Drive, Target, encounter
from hmitools import AGAIN_MS, GIVEN, LOOKS

FUNCTIONS = range(codes.FUNCTION_CROSSING, codes.FUNCTION_EMERGENCY + 1)
INFORMATION, CAUTION = codes.LEVEL_INFORMATION, codes.LEVEL_CAUTION
BEGIN_MS = 10_000
DARK = (0, 0, 0, False)
# Level, function, sides, and whether it says "keep watching"
STATES = [
    DARK,
    *itertools.product((INFORMATION, CAUTION), FUNCTIONS, range(4), (False,)),
    *itertools.product((INFORMATION,), FUNCTIONS, range(4), (True,)),
]


def support(state: tuple, presented: bool = True) -> SimpleNamespace:
    level, function, direction, held = state
    kept = {"level": level, "function": function, "direction": direction, "presented": presented}
    return SimpleNamespace(**kept, state=HOLD if held else ACTIVE)


def put(hmi: Hmi, state: tuple, now_ms: int, by_ego: bool = False) -> bool:
    one = None if state == DARK else support(state)
    return bool(hmi.update(one, [one] if one else [], now_ms, by_ego))


def seen(hmi: Hmi) -> tuple:
    """As a driver would name it."""
    return hmi.level, hmi.function, hmi.direction, hmi.text == codes.TEXT_KEEP_WATCHING


def looks_right(hmi: Hmi) -> bool:
    look = LOOKS[word("LEVEL", hmi.level)]
    told = word("COLOUR", hmi.colour), word("LIGHT", hmi.light), word("SOUND", hmi.sound)
    return told == (look.colour, look.light, look.sound) and bool(hmi.text) == bool(hmi.level)


def cue_due(old: tuple, new: tuple) -> bool:
    """A driver is to notice more danger, another one, and one that begins again; never less of it or an end."""
    if new[0] != old[0]:
        return new[0] > old[0]
    another = new[1] != old[1]
    side_joins = bool(new[2] & ~old[2])
    again = old[3] and not new[3]
    return new != DARK and (another or side_joins or again)


@pytest.mark.parametrize("by_ego", [False, True])
@pytest.mark.parametrize("muted", [False, True])
@pytest.mark.parametrize("after_ms", [1, AGAIN_MS - 1, AGAIN_MS, 60_000])
def test_every_transition(after_ms: int, muted: bool, by_ego: bool) -> None:
    """All pairs of states, soon and late, silenced and not, by ego's act and not."""
    for old, new in itertools.product(STATES, STATES):
        hmi = Hmi(0)
        assert put(hmi, old, BEGIN_MS) == (old != DARK)
        assert (hmi.cue, looks_right(hmi), seen(hmi)) == (old != DARK, True, old)
        was_muted = muted and hmi.mute()
        assert was_muted == (muted and old[0] == CAUTION)  # the only level that sounds
        now_ms = BEGIN_MS + after_ms
        news = put(hmi, new, now_ms, by_ego)
        if new[0] < old[0] and not by_ego and after_ms < AGAIN_MS:
            assert (news, seen(hmi), hmi.until_ms) == (False, old, BEGIN_MS + AGAIN_MS), (old, new)
            assert hmi.muted == was_muted
            news = put(hmi, new, hmi.until_ms)
            assert news
        assert news == (new != old), (old, new)
        assert seen(hmi) == new
        assert looks_right(hmi)
        assert hmi.until_ms == NONE
        if news:
            assert hmi.cue == cue_due(old, new), (old, new)
            silent = was_muted and new[0] == old[0] and not hmi.cue
            assert hmi.muted == silent, (old, new)


def test_less_is_shown_from_when_more_has_been_shown_for_two_seconds() -> None:
    """Each level its two seconds; information ends once something has been shown for two, caution never sooner."""
    hmi = Hmi(0)
    information, caution = (INFORMATION, 1, 1, False), (CAUTION, 1, 1, False)
    put(hmi, information, BEGIN_MS)
    put(hmi, caution, BEGIN_MS + 1800)
    for less, after_ms in ((information, 2500), (DARK, 2600), (DARK, 3799)):
        assert not put(hmi, less, BEGIN_MS + after_ms)
        assert hmi.until_ms == BEGIN_MS + 3800
    assert put(hmi, information, BEGIN_MS + 3800)
    assert put(hmi, DARK, BEGIN_MS + 3900)
    assert seen(hmi) == DARK


def test_another_system_s_short_caution_is_seen_for_two_seconds() -> None:
    """Of who is merely around: what is told for a second ends without a hold."""
    drive, function = Drive(), codes.FUNCTION_SURROUNDING
    for t, level in ((0, INFORMATION), (900, INFORMATION), (1800, INFORMATION), (2500, CAUTION), (2600, 0)):
        drive.external(t, codes.ORIGIN_ROADSIDE, level, function=function)
    for t in range(2700, 6000, 100):
        drive.ticks_due(t)
        drive.tick(t)
    assert [(one["level"], one["t"]) for one in hmi_of(drive)] == [(1, 0), (2, 2500), (0, 4500)]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_sides_of_one_function_are_shown_together(function: int) -> None:
    hmi = Hmi(0)
    first, second = (CAUTION, function, 1, False), (INFORMATION, function, 2, False)
    other = support((CAUTION, function % 5 + 1, 2, False))
    assert hmi.update(support(first), [support(first), other, support(second, presented=False)], 0, False)
    assert hmi.direction == 1  # another function's side, and what is not presented, are not pointed at
    assert hmi.update(support(first), [support(first), other, support(second)], 100, False)
    assert (hmi.direction, hmi.cue) == (3, 1)
    passed = support((INFORMATION, function, 2, True))
    assert hmi.update(support(first), [support(first), passed], 200, False)
    assert (hmi.direction, hmi.cue) == (1, 0)  # who has passed is not pointed at


def test_the_information_sound_is_asked_for_and_never_given_for_who_is_merely_around() -> None:
    for wanted, function, held in itertools.product((0, 1), FUNCTIONS, (False, True)):
        hmi = Hmi(wanted)
        put(hmi, (INFORMATION, function, 0, held), 0)
        sounds = wanted and function != codes.FUNCTION_SURROUNDING
        assert word("SOUND", hmi.sound) == ("information" if sounds else "none")
        assert hmi.mute() == bool(sounds)


def hmi_of(drive: Drive) -> list[dict]:
    return drive.of("hmi")


def sensible(records: list[dict]) -> None:
    """What holds for all that a core tells its driver, whatever has led to it."""
    shown = {"level": 0, "function": 0, "direction": 0, "text": 0, "t": -AGAIN_MS}
    for one in records:
        level = word("LEVEL", one["level"])
        assert level in GIVEN
        look = LOOKS[level]
        assert (word("COLOUR", one["colour"]), word("LIGHT", one["light"])) == (look.colour, look.light)
        assert word("SOUND", one["sound"]) == look.sound
        assert bool(one["text"]) == bool(one["function"]) == bool(one["level"])
        assert one["level"] or not one["direction"]
        if one["muted"]:
            assert {**one, **{key: shown[key] for key in ("cue", "muted", "t", "cause")}} == shown
            assert not one["cue"]
        elif one["level"] > shown["level"]:
            assert one["cue"]
        elif one["level"] < shown["level"]:
            assert not one["cue"]
        shown = one


# Each of the functions at each level, as another system may tell it [G 2.6(3)]; crossing with each side
SAID = [
    *itertools.product((codes.FUNCTION_CROSSING,), (INFORMATION, CAUTION), range(4)),
    *itertools.product((codes.FUNCTION_RIGHT_TURN, codes.FUNCTION_LEFT_TURN), (INFORMATION, CAUTION), (0,)),
    *itertools.product((codes.FUNCTION_SURROUNDING, codes.FUNCTION_EMERGENCY), (INFORMATION,), (1,)),
]


@pytest.mark.parametrize("first", SAID, ids=lambda said: "-".join(map(str, said)))
def test_a_core_goes_from_each_to_each(first: tuple) -> None:
    """One after the other, with the first ended: it is shown at once where it is more, else after "keep watching"."""
    drive, t = Drive(), 0
    for second in SAID:
        for said in (first, second):
            function, level, direction = said
            if said == second != first:
                drive.external(t, codes.ORIGIN_ROADSIDE, codes.LEVEL_NONE, first[2], first[0])
            end = t + 4000
            while t < end:
                t += 500
                drive.external(t, codes.ORIGIN_ROADSIDE, level, direction, function)
                drive.ticks_due(t)
                drive.tick(t)
            last = hmi_of(drive)[-1]
            assert (last["function"], last["level"], last["direction"]) == said, (first, second)
        drive.external(t, codes.ORIGIN_ROADSIDE, codes.LEVEL_NONE, second[2], second[0])
        drive.tick(t + 5000)
        t += 5000
        assert (hmi_of(drive)[-1]["level"], hmi_of(drive)[-1]["cue"]) == (0, 0)
    sensible(hmi_of(drive))


def test_a_crossing_from_its_begin_to_its_end() -> None:
    """Information, caution, "keep watching" for 3 s, nothing: only the two rises are cues."""
    drive = Drive(surrounding=0)
    drive.stand()
    encounter(drive, [Target(8000)], 1100, 14_000)
    told = hmi_of(drive)
    assert [word("TEXT", one["text"]) for one in told] == [
        "crossing_information_left", "crossing_caution_left", "keep_watching", "none",
    ]  # fmt: skip
    assert [one["cue"] for one in told] == [1, 1, 0, 0]
    assert told[3]["t"] - told[2]["t"] == 3000
    sensible(told)


def test_ego_s_own_act_ends_it_at_once_and_without_a_cue() -> None:
    drive = Drive(surrounding=0)
    drive.stand()
    encounter(drive, [Target(8000)], 1100, 5000)
    assert hmi_of(drive)[-1]["level"] == CAUTION
    begun = hmi_of(drive)[-1]["t"]
    drive.vehicle(begun + 100, codes.SIGNAL_BRAKE, 4)
    drive.vehicle(begun + 150, codes.SIGNAL_SPEED, 1500)
    last = hmi_of(drive)[-1]
    assert (last["level"], last["text"], last["cue"]) == (0, 0, 0)
    assert last["t"] - begun < AGAIN_MS
    sensible(hmi_of(drive))


def switched(drive: Drive, switch: int, t: int, value: int = 1) -> list[dict]:
    """What a switch makes the core tell."""
    before = len(hmi_of(drive))
    drive.core.on_switch(switch, value, t, 77)
    drive.drain()
    return hmi_of(drive)[before:]


def test_mute_silences_what_sounds_until_the_next_cue() -> None:
    drive = Drive(surrounding=0)
    drive.stand()
    assert not switched(drive, codes.SWITCH_MUTE, 1000)  # nothing sounds
    targets = [Target(8000), Target(9500, direction=270, vehicle_id=101, source=2)]
    encounter(drive, targets, 1100, 4000)
    caution = next(
        t for t in range(4100, 9000, 100) if encounter(drive, targets, t, t) or hmi_of(drive)[-1]["level"] == 2
    )
    assert not switched(drive, codes.SWITCH_MUTE, caution, value=0)  # let go
    (muted,) = switched(drive, codes.SWITCH_MUTE, caution)
    assert (muted["level"], muted["cue"], muted["muted"], muted["cause"]) == (CAUTION, 0, 1, 77)
    assert not switched(drive, codes.SWITCH_MUTE, caution + 10)  # silent already
    before = len(hmi_of(drive))
    encounter(drive, targets, caution + 100, 14_000)
    joins = hmi_of(drive)[before]
    assert (sides(joins["direction"]), joins["cue"], joins["muted"]) == ("both", 1, 0)  # another side: it sounds again
    sensible([one for one in hmi_of(drive) if not one["muted"]])


def test_request_tells_again_what_is_shown_and_nothing_where_nothing_is() -> None:
    drive = Drive(surrounding=0)
    drive.stand()
    assert not switched(drive, codes.SWITCH_REQUEST, 1000)
    encounter(drive, [Target(8000)], 1100, 5000)
    shown = hmi_of(drive)[-1]
    switched(drive, codes.SWITCH_MUTE, 5000)
    (again,) = switched(drive, codes.SWITCH_REQUEST, 5010)
    assert {**again, "t": 0, "cause": 0} == {**shown, "t": 0, "cause": 0}
    assert (again["cue"], again["muted"]) == (1, 0)


def test_request_starts_and_ends_surrounding_support_where_it_is_given_on_request() -> None:
    drive = Drive(surrounding_shown=codes.SHOWN_REQUEST)
    drive.stand()
    near = Target(20_000, ahead_m=20.0)

    def on(first: int, last: int) -> list[int]:
        before = len(hmi_of(drive))
        encounter(drive, [near], first, last)
        return [one["level"] for one in hmi_of(drive)[before:]]

    encounter(drive, [near], 1100, 15_000)
    assert {one["function"] for one in hmi_of(drive)} <= {codes.FUNCTION_CROSSING}
    drive = Drive(surrounding_shown=codes.SHOWN_REQUEST, crossing=0)
    drive.stand()
    near = Target(8_000)
    assert on(1100, 6500) == []
    assert [one["function"] for one in switched(drive, codes.SWITCH_REQUEST, 6500)] == [codes.FUNCTION_SURROUNDING]
    assert on(6600, 6900) == []
    assert [one["level"] for one in switched(drive, codes.SWITCH_REQUEST, 6950)] == [0]  # its own act: at once
    assert on(7000, 7500) == []


def test_words_are_known() -> None:
    assert set(LOOKS) == set(WORDS["LEVEL"].values())
