"""Budgets of the core on a board: what is judged, told and written."""

from pathlib import Path

import pytest

from asvtools.firmware import budgets
from asvtools.firmware.budgets import ALL_GOAL, CORE_GOAL, MARKS, judged, main, readable, table, write
from asvtools.firmware.measure import Measured, Speed
from asvtools.firmware.ports import NATIVE, WASM
from asvunit.errors import AsvkitError

ROOT = Path(__file__).parents[2]


def measured(core: int = 20_000, modules: int = 70_000) -> Measured:
    heap = {"modules": modules, "made_settings": 500, "made_core": core - 500, "made_map": 6000, "crowd": 0}
    return Measured(
        plain={"core": 5000, "codes": 4000},
        folded={"core": 4000, "codec_viper": 900},
        heaps={NATIVE: {name: size * 2 for name, size in heap.items()}, WASM: heap},
        least_kb={NATIVE: 180},
        speeds=[Speed("cpython", "bytecode", 20.0, 900.0, 3.2, 4.1), Speed(NATIVE, "viper", 40.0, 1800.0, 0.3, 0.2)],
    )


@pytest.mark.parametrize(
    ("core", "modules", "missed"),
    [
        (CORE_GOAL, ALL_GOAL - CORE_GOAL - 6900, ""),
        (CORE_GOAL + 1, 50_000, "Core with 64 neighbours"),
        (CORE_GOAL, ALL_GOAL - CORE_GOAL - 6899, "All of it"),
    ],
)
def test_a_missed_size_ends_with_1(
    core: int,
    modules: int,
    missed: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(budgets, "measure", lambda _folder: measured(core, modules))
    assert main([str(tmp_path)]) == (1 if missed else 0)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(f"MISSED: {missed}") if missed else last == "Every budget of size is met."


def test_without_the_judged_port_it_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = measured()
    del found.heaps[WASM]
    found.absent[WASM] = "no node in the PATH"
    with pytest.raises(AsvkitError, match="no node in the PATH"):
        judged(found)
    monkeypatch.setattr(budgets, "measure", lambda _folder: found)
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_the_table_is_readable_on_a_page_and_on_a_terminal(tmp_path: Path) -> None:
    text = table(measured())
    assert "| Core with 64 neighbours, beyond its modules | 20,000 | 24,576 | MET |" in text
    assert "| unix port (64 bits) | 140,000 | 40,000 | 12,000 | +0 | 180 KB |" in text
    assert "| **all** | 9,000 | 4,900 |" in text
    shown = readable(text)
    assert "|" not in shown
    assert "codes" in shown
    page = tmp_path / "page.md"
    page.write_text(f"before\n{MARKS[0]}\nold\n{MARKS[1]}\nafter\n")
    write(page, text)
    write(page, text)
    assert page.read_text() == f"before\n{MARKS[0]}\n{text}{MARKS[1]}\nafter\n"
    page.write_text("no marks")
    with pytest.raises(AsvkitError, match=r"page\.md: no <!-- budgets -->"):
        write(page, text)


def test_the_page_has_its_marks() -> None:
    page = (ROOT / "docs" / "firmware.md").read_text()
    assert page.index(MARKS[0]) < page.index("Core with 64 neighbours") < page.index(MARKS[1])
