"""The fault catalogue: a test for each row, a row for each test, and docs/faults.md shows the rows as they are."""

import ast
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from asvrig.targets.target import ABILITIES
from suite import catalogue
from suite.catalogue import BEGIN, DOCS, END, FAULTS, markdown
from suite.hmi_table import levels, table

SUITE = Path(catalogue.__file__).parent
LEAST = (  # what the bench must at least do to a unit
    "gnss_silent", "gnss_frozen", "gnss_jumping", "gnss_garbage",
    "can_silent", "can_bus_off", "can_stale", "can_implausible",
    "radio_gone", "radio_flooded", "radio_forged",
    "clock_stepped", "disk_full", "killed", "power_cut", "cpu_hogged",
)  # fmt: skip


def found_in(sources: list[str]) -> list[tuple[str, str | None]]:
    """(name, row) of each test function of the suite: the row that `faulty` names, None without."""
    found: list[tuple[str, str | None]] = []
    for source in sources:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                rows = [
                    one.args[0].value
                    for one in node.decorator_list
                    if isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id == "faulty"
                ]
                found.append((node.name, rows[0] if rows else None))
    return found


def unmatched(found: list[tuple[str, str | None]], rows: set[str]) -> list[str]:
    """Rows without a test, tests of no row, and tests of a row by another name."""
    tested = Counter(row for _name, row in found if row)
    told = [f"row {row} has no test" for row in sorted(rows - tested.keys())]
    told += [f"{name}: no row {row}" for name, row in found if row and row not in rows]
    told += [f"row {row} has {count} tests" for row, count in tested.items() if count > 1]
    return told + [f"{name} is of row {row}" for name, row in found if row and name != f"test_{row}"]


def suite_tests(pattern: str = "test_*.py") -> list[tuple[str, str | None]]:
    return found_in([path.read_text(encoding="utf-8") for path in sorted(SUITE.glob(pattern))])


def test_each_row_has_its_test_and_each_test_its_row() -> None:
    assert unmatched(suite_tests(), set(FAULTS)) == []
    assert [name for name, row in suite_tests("test_faults*.py") if row is None] == []
    assert [name for name in LEAST if name not in FAULTS] == []


def test_what_does_not_match_is_found() -> None:
    sources = ['@faulty("one")\ndef test_one(): ...\n\n@mark\n@faulty("two")\ndef test_other(): ...\n']
    told = unmatched(found_in(sources), {"one", "three"})
    assert told == ["row three has no test", "test_other: no row two", "test_other is of row two"]
    assert "row one has 2 tests" in unmatched(found_in(sources * 2), {"one"})


def test_the_page_shows_the_rows() -> None:
    text = DOCS.read_text(encoding="utf-8")
    shown = text[text.index(BEGIN) + len(BEGIN) : text.index(END)].strip()
    assert shown == markdown().strip()
    assert shown != markdown([replace(one, known_s=one.known_s + 1) for one in FAULTS.values()]).strip()
    rows = re.findall(r"^\| \*\*(\w+)\*\*", shown, re.MULTILINE)
    assert rows == list(FAULTS)


@pytest.mark.parametrize("name", FAULTS)
def test_a_row_is_complete(name: str) -> None:
    row = FAULTS[name]
    assert set(row.needs) <= set(ABILITIES)
    cells = (row.what, row.made, row.driver, row.events, row.recovery, row.recording)
    assert all(cell and "|" not in cell and "\n" not in cell for cell in cells)
    assert 0 <= row.known_s <= 2.5  # nothing that matters is known only after that


def test_the_levels_are_those_of_the_page() -> None:
    found = table()
    assert (found["caution"].hz, found["warning"].hz, found["information"].hz) == (1000, 2000, 0)
    assert found["information"].asked_hz == 500
    assert found["information"].flashes is None
    assert found["caution"].flashes is not None
    assert (found["caution"].flashes.on_ms, found["caution"].flashes.times) == (200, 5)
    with pytest.raises(ValueError, match="table of levels"):
        levels("| level | colour |\n|---|---|\n")
