"""What the driver is shown and hears, against the guideline's HMI chapter [G appendix 2]; see test_hmi_sentences.py."""

import itertools

import pytest

from asvcore import codes, hmi_rules, params
from asvunit.presenter import LAMPS, Presenter
from asvunit.texts import TEXTS
from asvunit.words import WORDS, word
from coretools import Drive, Target, frame
from hmidrives import FUNCTIONS, crossing, said, shown_by
from hmitools import AGAIN_MS, LEVELS, LOOKS, SELF_TEST_MS, SYSTEM_LAMPS, TONES
from outputtools import MemoryOutputs

MS = 1_000_000


def system_of(drive: Drive) -> dict:
    return {key: drive.of("system")[-1][key] for key in ("on", "receiving", "fault")}


def test_the_system_says_that_it_works() -> None:
    drive = Drive()
    drive.tick(0)
    assert system_of(drive)["on"] == 1
    memory = MemoryOutputs()
    presenter = Presenter([memory])
    presenter.system(True, False, False, 0)
    assert memory.told[-1].lamps == {"system"}
    presenter.dark(1)
    assert memory.told[-1].lamps == frozenset()


def test_receiving_is_shown() -> None:
    """From the first message on, until a second after the last."""
    drive = Drive()
    drive.fix(0)
    drive.tick(0)
    assert system_of(drive)["receiving"] == 0
    drive.message(450, frame())
    for t in range(500, 2000, 100):
        drive.fix(t)
        drive.tick(t)
        assert system_of(drive)["receiving"] == (t <= 1450), t


def test_a_fault_is_shown() -> None:
    drive = Drive(uses_can=0)
    drive.tick(0)
    assert system_of(drive)["fault"] == 1  # no position
    for t in range(100, 1000, 100):
        drive.fix(t)
        drive.tick(t)
    assert system_of(drive) == {"on": 1, "receiving": 0, "fault": 0}
    for t in range(1000, 5000, 100):
        drive.tick(t)
    assert system_of(drive)["fault"] == 1  # the receiver has fallen silent


def test_the_unit_never_borrows_red_or_yellow() -> None:
    colours = [word("COLOUR", code) for code in hmi_rules.SYSTEM_COLOURS]
    assert dict(zip(SYSTEM_LAMPS, colours, strict=True)) == SYSTEM_LAMPS
    assert not {"red", "yellow", "blue"} & set(colours)
    for system in itertools.product((False, True), repeat=3):
        presenter = Presenter([MemoryOutputs()])
        presenter.system(*system, 0)
        assert presenter.shown.lamps <= set(SYSTEM_LAMPS)
        assert (presenter.shown.level, presenter.shown.tone_hz) == ("none", 0)


def test_tables_are_those_of_the_core() -> None:
    for code, level in WORDS["LEVEL"].items():
        look = LOOKS[level]
        assert [word(*one) for one in zip(("COLOUR", "LIGHT", "SOUND"), hmi_rules.LEVELS[code], strict=True)] == [
            look.colour, look.light, look.sound,
        ]  # fmt: skip
    for code, name in WORDS["SOUND"].items():
        if name != "none":
            tone = TONES[name]
            beat = (tone.beat.on_ms, tone.beat.off_ms, tone.beat.times)
            assert hmi_rules.SOUNDS[code] == (tone.hz, *beat, tone.percent)


def test_colours_of_the_levels() -> None:
    assert [LOOKS[level].colour for level in ("warning", "caution")] == ["red", "yellow"]
    assert LOOKS["information"].colour not in ("red", "yellow", *SYSTEM_LAMPS.values())
    assert len({look.colour for look in LOOKS.values()}) == len(LOOKS)


def test_sounds_differ() -> None:
    """In frequency, interval and sound pressure, each of the three from each other."""
    for one, other in itertools.combinations(TONES.values(), 2):
        assert one.hz != other.hz
        assert (one.beat.on_ms, one.beat.times) != (other.beat.on_ms, other.beat.times)
        assert one.percent != other.percent
    rising = [TONES[level] for level in LEVELS[1:]]
    assert [tone.hz for tone in rising] == sorted(tone.hz for tone in rising)
    assert [tone.percent for tone in rising] == sorted(tone.percent for tone in rising)


@pytest.mark.parametrize("level", LEVELS[1:])
def test_light_and_text_go_with_each_level(level: str) -> None:
    assert LOOKS[level].lamp is not None
    for function in FUNCTIONS:
        if level != "warning":
            (event,) = shown_by(said(function, level, 1))
            assert (event["level"], event["light"]) == (level, LOOKS[level].light)
            assert event["text"]


@pytest.mark.parametrize("level", ["caution", "warning"])
def test_sound_and_light_together(level: str) -> None:
    """In one call to the outputs, and each flash with its tone while there is one."""
    look, tone = LOOKS[level], TONES[level]
    memory = MemoryOutputs()
    presenter = Presenter([memory])
    event = {"level": level, "colour": look.colour, "function": "crossing", "direction": "left", "sound": look.sound}
    presenter.hmi(event | {"text": "", "text_id": "none", "light": look.light, "cue": True, "muted": False}, 0)
    for ms in range(0, 3000, 10):
        presenter.tick(ms * MS)
        assert (presenter.shown.tone_hz > 0) == tone.beat.is_on(ms)
        assert (level in presenter.shown.lamps) == (look.lamp and look.lamp.is_on(ms))
    assert all((level in one.lamps) >= (one.tone_hz > 0) for one in memory.told)
    assert (memory.told[0].tone_hz, level in memory.told[0].lamps) == (tone.hz, True)


@pytest.mark.parametrize("level", ["information", "caution"])
def test_the_same_whoever_tells_it(level: str) -> None:
    drive = crossing(4000 if level == "information" else 5000)
    assert shown_by(drive)[-1]["level"] == level
    for event in (shown_by(drive)[-1], *shown_by(said("crossing", level, codes.DIRECTION_LEFT))):
        same = {
            key: event[key] for key in ("level", "colour", "function", "direction", "sound", "text", "light", "cue")
        }
        look = LOOKS[level]
        assert (same["colour"], same["light"], same["sound"], same["cue"]) == (
            look.colour,
            look.light,
            look.sound,
            True,
        )
        assert (same["function"], same["direction"]) == ("crossing", "left")
        assert same["text"] == TEXTS["en"][hmi_rules.text_of(1, LEVELS.index(level), 1)]


def test_a_change_of_level_is_noticed() -> None:
    """Up: everything that can change does, and light and sound begin anew. Down: colour and text, and no sound."""
    information, caution, held, end = shown_by(crossing())
    for key in ("level", "colour", "light", "sound", "text"):
        assert information[key] != caution[key], key
    assert [one["cue"] for one in (information, caution, held, end)] == [True, True, False, False]
    assert held["text"] not in (information["text"], caution["text"], "")
    assert (caution["t"] - information["t"]) * 1000 < AGAIN_MS < (held["t"] - caution["t"]) * 1000


def test_it_comes_in_time() -> None:
    """Information with 4.1 s of way left or more, caution with 3.6 s, by corrected distance [G 4.1.2, D10]."""
    assert (params.INFORMATION_MS, params.CAUTION_MS) == (4100, 3600)
    target = Target(8000)
    information, caution = shown_by(crossing())[:2]
    for event, seconds in ((information, 4.1), (caution, 3.6)):
        assert event["t"] * 1000 <= target.due_ms(seconds, 4) + 100  # a + b = 4 m; a cycle


def test_the_end_is_no_signal() -> None:
    """What ends goes dark: no sound, no text, no colour, no cue, and before that "keep watching" [G 3.9(1), D15]."""
    *_, held, end = shown_by(crossing())
    assert held["text"] == TEXTS["en"][codes.TEXT_KEEP_WATCHING]
    assert {key: end[key] for key in ("level", "colour", "sound", "text", "light", "cue")} == {
        "level": "none", "colour": "none", "sound": "none", "text": "", "light": "off", "cue": False,
    }  # fmt: skip
    assert (end["function"], end["direction"]) == ("none", None)


def test_the_self_test_shows_lamps_that_fail() -> None:
    """All of them, with a short tone, for a second; a support ends it at once."""
    presenter = Presenter([MemoryOutputs()])
    presenter.self_test(0)
    assert presenter.shown.lamps == LAMPS >= {*SYSTEM_LAMPS, "information", "caution", "warning", "left", "right"}
    assert presenter.shown.tone_hz == TONES["information"].hz
    presenter.tick((SELF_TEST_MS - 1) * MS)
    assert presenter.testing
    presenter.tick(SELF_TEST_MS * MS)
    assert (presenter.testing, presenter.shown.lamps) == (False, frozenset())
    presenter.self_test(2000 * MS)
    presenter.hmi(shown_by(crossing(5000))[-1], 2100 * MS)
    assert (presenter.testing, presenter.shown.lamps) == (False, {"caution", "left"})
    assert presenter.shown.tone_hz == TONES["caution"].hz
