"""docs/hil.md tells of every fixture, option, ability and fault that there is, and of no other."""

import re
from pathlib import Path

from _pytest.fixtures import FixtureFunctionDefinition

from asvrig import pytest_plugin
from asvrig.results import Results
from asvrig.targets import local
from asvrig.targets.named import NAMES
from asvrig.targets.target import ABILITIES

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "hil.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[str]:
    """First cells of the tables under a heading."""
    part = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `([^`]+)`", part, re.MULTILINE)


def test_every_fixture_and_option_is_told():
    fixtures = {name for name, one in vars(pytest_plugin).items() if isinstance(one, FixtureFunctionDefinition)}
    ours = {name for name in fixtures if not name.startswith("asvkit_")}
    assert {row for row in rows("Fixtures") if not row.startswith("--")} == ours
    assert len(ours) > 10
    options = set(re.findall(r'"(--asvkit-[a-z]+)"', Path(pytest_plugin.__file__).read_text(encoding="utf-8")))
    assert {row.split()[0] for row in rows("Fixtures") if row.startswith("--")} == options


def test_every_target_ability_and_fault_is_told():
    for name in NAMES:
        assert f"`{name}`" in TEXT
    listed = TEXT.split("tests ask for them by name:")[1].split("`target.fault(")[0]
    assert tuple(re.findall(r"`(\w+)`", listed)) == ABILITIES
    assert set(rows("Targets")) == set(local._FAULTS)


def test_every_key_of_the_results_is_told():
    told = Results("2026-11-21T00:00:00Z", "local").told()
    named = re.findall(r"^\| ((?:`\w+`(?:, )?)+)", TEXT.split("\n## Results\n")[1], re.MULTILINE)
    assert [key for cell in named for key in re.findall(r"`(\w+)`", cell)] == list(told)
