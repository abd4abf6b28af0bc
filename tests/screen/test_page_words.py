"""The words of the pages: both languages have all, every word that a unit can say is there, and none misleads."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from asvunit.canbus import faults
from asvunit.config import Kind
from asvunit.screen import gallery
from asvunit.screen.files import PAGE
from asvunit.words import WORDS

LANGUAGES = ("en", "ja")
DOCS = Path(__file__).parents[2] / "docs"
SCRIPTS = sorted((PAGE / "js").glob("*.js"))
FIGURE = re.compile(r"\{(\w+)\}")

# What would read as "no one is there", or "go": the screen knows only vehicles with radio [G 3.9(1)]
MISLEADING = {
    "en": re.compile(
        r"\bclear\b|\bsafe|\bno (other )?(vehicles?|cars?|traffic|danger|one)\b|nobody|go ahead|\bproceed|\bfree\b",
        re.IGNORECASE,
    ),
    "ja": re.compile(r"安全|異常なし|問題(なし|ありません)|誰も|車(両|は|が)?[はが]?(いません|ありません)|進んで|進行"),
}  # fmt: skip


def table(language: str) -> dict[str, dict[str, str]]:
    text = (PAGE / "js" / f"words_{language}.js").read_text(encoding="utf-8")
    body = re.fullmatch(r"(?://.*\n)*export default (\{.*\});\n", text, re.DOTALL)
    assert body, "one JSON object after `export default`"
    found: dict[str, dict[str, str]] = json.loads(body[1])
    return found


TABLES = {language: table(language) for language in LANGUAGES}


def test_both_languages_have_the_same_words() -> None:
    english, japanese = TABLES["en"], TABLES["ja"]
    assert english.keys() == japanese.keys()
    for group in english:
        assert english[group].keys() == japanese[group].keys(), group
        for key, text in english[group].items():
            assert sorted(FIGURE.findall(text)) == sorted(FIGURE.findall(japanese[group][key])), f"{group}.{key}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_the_core_is_there(language: str) -> None:
    for group in ("REASON", "STATE", "SIGNAL", "LEVEL", "FUNCTION", "INPUT", "DIRECTION"):
        missing = set(WORDS[group].values()) - TABLES[language][group.lower()].keys()
        assert not missing, f"{group}: {sorted(missing)}"
    assert not set(get_args(Kind)) - TABLES[language]["kind"].keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_the_runtime_is_there(language: str) -> None:
    """States and inputs of docs/contracts.md, reasons of the tables of docs/can.md and docs/radio.md."""
    words = TABLES[language]
    contracts = (DOCS / "contracts.md").read_text(encoding="utf-8")
    row = next(line for line in contracts.splitlines() if line.startswith("| `status` |"))
    inputs = re.search(r"`input` \(([^)]*)\)", row)
    states = re.search(r"`state` \(([^)]*)\)", row)
    assert inputs
    assert states
    assert not set(re.findall(r"[a-z]+", inputs[1])) - {"live", "also"} - words["input"].keys()
    assert not set(states[1].split(", ")) - words["state"].keys()
    causes = re.search(r"^\| `latency` \|.*?`input` \([^:)]*: ([^)]*)", contracts, re.MULTILINE)
    assert causes
    assert not set(re.findall(r"[a-z]+", causes[1])) - words["cause"].keys()
    reasons = set(faults._MENDS)
    for name, heading in (("can.md", "| what happens |"), ("radio.md", "| reason | what it is |")):
        lines = (DOCS / name).read_text(encoding="utf-8").split(heading)[1].splitlines()[2:]
        rows = lines[: next(place for place, line in enumerate(lines) if not line.startswith("|"))]
        column = 2 if name == "can.md" else 1
        found = {word for line in rows for word in re.findall(r"`([a-z_]+)`", line.split("|")[column])}
        assert len(found) >= 5, name
        reasons |= found
    assert not reasons - words["reason"].keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_reads_as_no_one_is_there(language: str) -> None:
    """The fixed words, and the texts that the core has the driver told."""
    fixed = [text for group in TABLES[language].values() for text in group.values()]
    told = [gallery.message(name, 1, 0.0)["shown"]["text"][language] for name in gallery.STATES]
    wrong = [text for text in (*fixed, *told) if MISLEADING[language].search(text)]
    assert not wrong


def test_the_misleading_is_found() -> None:
    """The check above can fail."""
    assert all(MISLEADING["en"].search(text) for text in ("No vehicles", "All clear", "It is safe", "no one near"))
    assert all(MISLEADING["ja"].search(text) for text in ("車両はいません", "車はいません", "安全です", "異常なし"))


def test_every_line_is_used_and_every_used_line_is_there() -> None:
    """`line("name")`, and the names that are put together, against the tables."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in SCRIPTS if not path.name.startswith("words_"))
    quoted = set(re.findall(r'"([a-z0-9_]+)"', source)) | set(re.findall(r"\b([a-z0-9_]+):", source))
    places = {"ahead_left", "ahead_right", "behind_left", "behind_right"}
    lines = set(TABLES["en"]["lines"])
    assert sorted(lines - quoted - places) == []
    assert not set(re.findall(r'line\("([a-z0-9_]+)"', source)) - lines, "not there"


def test_scripts_make_no_markup() -> None:
    """Foreign words reach the page as text alone; nothing is run from strings, nothing comes from elsewhere."""
    for path in [*SCRIPTS, *PAGE.glob("*.html"), *(PAGE / "css").glob("*.css")]:
        text = path.read_text(encoding="utf-8")
        for banned in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            " style=",
        ):
            assert banned not in text, f"{path.name}: {banned}"
        for url in re.findall(r"https?://[^\s\"')]+", text):
            assert url == "http://www.w3.org/2000/svg", f"{path.name}: {url}"
        assert len(text.splitlines()) <= 300, path.name


def test_gallery_has_every_level_function_and_side() -> None:
    """Text, colour and light are the core's; numbers rise; a name that is not there is a KeyError."""
    told = {(one.level, one.function, one.direction) for one in gallery.STATES.values()}
    for level in gallery.LEVELS:
        for function in WORDS["FUNCTION"].values():
            if function != "none":
                assert any(one[:2] == (level, function) for one in told), (level, function)
    message: dict[str, Any] = gallery.message("caution_crossing_left", 7, 12.5, "bench")
    assert message["shown"]["colour"] == "yellow"
    assert message["shown"]["light"] == "caution"
    assert message["shown"]["text_id"] == "crossing_caution_left"
    assert (message["n"], message["t"]) == (7, 12.5)
    assert json.loads(json.dumps(message)) == message
    with pytest.raises(KeyError):
        gallery.message("no_such_state", 1, 0.0)
