"""What the driver reads: which accident, from where, how short, and never "no one is there" [G appendix 2, 3.9(1)]."""

import itertools
import json
import re
from pathlib import Path

import pytest

from asvcore import codes, hmi_rules
from asvunit.presenter import DIRECTIONS, LAMPS
from asvunit.texts import TEXTS
from asvunit.words import WORDS, word
from hmidrives import FUNCTIONS, said, shown_by
from hmitools import ALL_CLEAR, GIVEN, GO, HELD_SAYS, LANGUAGES, SAYS, SIDES

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "firmware" / "asvunit" / "screen" / "page"
MOST = {"information": 30, "caution": 15}  # characters


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("function", "level"), SAYS)
def test_which_accident_is_said(function: str, level: str, language: str) -> None:
    (event,) = shown_by(said(function, level, 1), language)
    assert re.search(SAYS[function, level][LANGUAGES.index(language)], event["text"]), event["text"]
    others = [words[LANGUAGES.index(language)] for key, words in SAYS.items() if key[0] != function]
    if level == "information" and function != "crossing":
        assert not any(re.search(words, event["text"]) for words in others if words not in ("from", "接近しています"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("level", ["information", "caution"])
def test_where_is_said(level: str, language: str) -> None:
    """By lamps and text: a crossing from either side or both, a turn to the kerb on its side."""
    left, right = (SIDES[side][LANGUAGES.index(language)] for side in ("left", "right"))
    for direction, side in ((1, "left"), (2, "right"), (3, "both")):
        (event,) = shown_by(said("crossing", level, direction), language)
        assert event["direction"] == side
        text = event["text"].lower()
        both = side == "both" and re.search(r"both", text)
        assert bool(both or left in text) == (direction != 2), text
        assert bool(both or right in text) == (direction != 1), text
        assert DIRECTIONS[side] == ({"left", "right"} if side == "both" else {side})
        if side != "both":
            (event,) = shown_by(said("left_turn", level, direction), language)
            assert SIDES[side][LANGUAGES.index(language)] in event["text"].lower()


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_short_by_level(language: str) -> None:
    for function, level, direction in itertools.product(FUNCTIONS, GIVEN[1:], range(4)):
        (event,) = shown_by(said(function, level, direction), language)
        most = MOST[level] if (function, level) in SAYS else MOST["information"]
        assert 0 < len(event["text"]) <= most, event["text"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_level_has_its_own_words(language: str) -> None:
    for function, direction in itertools.product(("crossing", "right_turn", "left_turn"), range(4)):
        texts = [shown_by(said(function, level, direction), language)[0]["text"] for level in GIVEN[1:]]
        assert len(set(texts)) == 2
        assert len(texts[1]) < len(texts[0])  # the nearer, the fewer
    assert re.search(HELD_SAYS[LANGUAGES.index(language)], TEXTS[language][codes.TEXT_KEEP_WATCHING])


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_reads_as_all_clear(language: str) -> None:
    for text in TEXTS[language].values():
        assert not ALL_CLEAR.search(text), text
        assert not GO.search(text), text


@pytest.mark.parametrize("text", ["No vehicles nearby", "All clear", "You may go", "周囲に車両はいません", "異常なし"])
def test_what_reads_as_all_clear_would_be_found(text: str) -> None:
    assert ALL_CLEAR.search(text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_of_the_screen_reads_as_all_clear(language: str) -> None:
    path = PAGES / "js" / f"words_{language}.js"
    body = path.read_text(encoding="utf-8").partition("export default")[2].strip().removesuffix(";")
    found: list[str] = []

    def words_of(value: object) -> None:
        if isinstance(value, dict):
            for one in value.values():
                words_of(one)
        else:
            found.append(str(value))

    words_of(json.loads(body))
    assert len(found) > 50
    found += [re.sub(r"<[^>]+>", " ", page.read_text(encoding="utf-8")) for page in PAGES.glob("*.html")]
    assert [text for text in found if ALL_CLEAR.search(text)] == []


def test_manual_and_page_know_every_lamp_switch_and_text() -> None:
    manual, page = (ROOT / "docs" / name for name in ("driver-manual.md", "hmi.md"))
    for path, text in ((path, path.read_text(encoding="utf-8")) for path in (manual, page)):
        for lamp in LAMPS:
            assert f"`{lamp}`" in text, (path.name, lamp)
        for one in (one for language in LANGUAGES for one in TEXTS[language].values()):
            assert one in text, (path.name, one)
        for switch in ("mute", "request"):
            assert f"`{switch}`" in text, (path.name, switch)


def test_the_page_s_table_of_levels_is_the_core_s() -> None:
    page = (ROOT / "docs" / "hmi.md").read_text(encoding="utf-8")
    lines = {line.split("|")[1].strip(): line for line in page.splitlines() if line.startswith("| ")}
    for code, level in WORDS["LEVEL"].items():
        colour, light, sound = hmi_rules.LEVELS[code]
        line = lines["none" if level == "none" else f"`{level}`"]
        assert f"| {word('COLOUR', colour)} |" in line
        on_ms, off_ms, times = hmi_rules.LIGHTS[light]
        how = f"flashes {on_ms} ms on, {off_ms} ms off" if on_ms else "steady" if light else "dark"
        assert f"| {how}" in line
        assert ("five times; then steady" in line) == (times == 5)
        hz, on_ms, off_ms, times, percent = hmi_rules.SOUNDS[sound]
        if hz:
            assert (
                f"| {hz} Hz, {on_ms} ms on, {off_ms} ms off, {'five times' if times else 'as long as it lasts'}" in line
            )
            assert f"| {percent} % |" in line
    hz, on_ms, _off_ms, _times, percent = hmi_rules.SOUNDS[codes.SOUND_INFORMATION]
    assert f"one of {hz} Hz, {on_ms} ms" in lines["`information`"]
    assert f"| {percent} % |" in lines["`information`"]
    for name, code in zip(("system", "receiving", "fault"), hmi_rules.SYSTEM_COLOURS, strict=True):
        assert f"| {word('COLOUR', code)} |" in lines[f"`{name}`"]
