"""The guideline's HMI chapter [G appendix 2], sentence by sentence: all that it asks for has checks."""

import re
from pathlib import Path

# In the order of the chapter: (clause, its words, the checks of it in test_hmi_rules.py and test_hmi_texts.py)
SENTENCES = [
    (
        "(1)①",
        "システムが作動中かどうかを提示する。",
        ["the_system_says_that_it_works"],
    ),
    (
        "(1)①",
        "他車両から支援のために必要な情報を取得していることをドライバーへ提示する。",
        ["receiving_is_shown"],
    ),
    (
        "(1)②",
        "どの事故(どの行動類型）に対する支援であるかをわかるように提示する。",
        ["which_accident_is_said"],
    ),
    (
        "(1)②",
        "注意すべき対象や取るべき行動等が分かるような情報を提示する。",
        ["which_accident_is_said", "where_is_said"],
    ),
    (
        "(2)①",
        "支援レベルに応じ、文字数等の情報量に配慮する。",
        ["texts_are_short_by_level"],
    ),
    (
        "(2)①",
        "支援レベルに応じて表示する文言に配慮する。",
        ["each_level_has_its_own_words"],
    ),
    (
        "(2)②",
        "複数の情報伝達手段を持つ場合は、表示、音、触覚等の適切に組み合わせにより伝達する。",
        ["light_and_text_go_with_each_level"],
    ),
    (
        "(2)③",
        "車車間通信、路車間通信にかかわらず、整合性のとれた伝達方法を用いる。",
        ["the_same_whoever_tells_it"],
    ),
    (
        "(2)④",
        "情報提供、注意喚起及び警報のＨＭＩの考え方と整合された情報の提示を行う。",
        ["colours_of_the_levels"],
    ),
    (
        "(3)",
        "警報、注意喚起を行う場合にあっては、音とともに視覚や触覚等により情報を伝達する。",
        ["sound_and_light_together"],
    ),
    (
        "(4)①",
        "警報は赤色系統、注意喚起は黄色系統、情報提供はその他の色を主として使用する。",
        ["colours_of_the_levels", "the_unit_never_borrows_red_or_yellow"],
    ),
    (
        "(4)①",
        "音は支援レベルに応じ周波数、間隔、音圧等で区別する。",
        ["sounds_differ", "tables_are_those_of_the_core"],
    ),
    (
        "(4)②",
        "支援レベルが連続的に変わる場合には、その変化が容易に理解できるように提示する。",
        ["a_change_of_level_is_noticed"],
    ),
    (
        "(5)①",
        "適切な支援タイミングで情報を伝達する。",
        ["it_comes_in_time"],
    ),
    (
        "(5)②",
        "車車間通信の場合には車両が限定されることを前提に情報を伝達する。",
        ["nothing_reads_as_all_clear", "no_word_of_the_screen_reads_as_all_clear", "the_end_is_no_signal"],
    ),
    (
        "(5)③",
        "機能限界についてはマニュアル等によりドライバーへ周知する。",
        ["manual_and_page_know_every_lamp_switch_and_text"],
    ),
    (
        "(5)③",
        "自車の車載システムの故障状態を表示する。",
        ["a_fault_is_shown", "the_self_test_shows_lamps_that_fail"],
    ),
]


def squeezed(text: str) -> str:
    return re.sub(r"\s+|- \d+ -", "", text)


def chapter_of(shared: Path) -> str:
    text = squeezed((shared / "spec" / "asv-guideline-ja.txt").read_text(encoding="utf-8"))
    return text[text.rindex("2.2.ＨＭＩにおいて配慮すべき事項") :]


def test_each_sentence_is_the_guideline_s(shared: Path) -> None:
    """In its order, word for word."""
    chapter, at = chapter_of(shared), 0
    for clause, words, _checks in SENTENCES:
        found = chapter.find(squeezed(words), at)
        assert found >= 0, (clause, words)
        at = found


def test_no_item_of_the_chapter_is_left_out(shared: Path) -> None:
    items, major = set(), ""
    for number, minor in re.findall(r"\((\d)\)|([①②③④])", chapter_of(shared)):
        major = number or major
        items.add(f"({major}){minor}")
    headings = {item for item in items if any(other.startswith(item) and other != item for other in items)}
    assert items - headings == {clause for clause, _words, _checks in SENTENCES}


def test_each_sentence_has_its_checks() -> None:
    folder = Path(__file__).parent
    source = "".join((folder / f"test_hmi_{name}.py").read_text(encoding="utf-8") for name in ("rules", "texts"))
    there = set(re.findall(r"^def test_(\w+)\(", source, re.MULTILINE))
    for clause, _words, checks in SENTENCES:
        assert checks
        assert set(checks) <= there, clause
