"""The guideline's requirements one by one, and what shows that each is met: the table behind `asvkit verify`.

The rows stand in clauses.toml. A row names evidence, or says why the requirement does not apply or is open.
Evidence is what can fail: checks of the judge, chosen by function and kind, and tests of the project by name.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from asvunit.toml_file import read_toml

FUNCTIONS: Final = ("crossing", "right_turn", "left_turn", "surrounding", "emergency")
# What the judge's checks are called; some come once for each level, as `caution: display`.
KINDS: Final = (
    "information", "caution", "condition", "display", "levels", "keep watching", "held 3 s", "end", "end's reason",
    "goes on", "ends quietly", "nothing beside", "no support", "parallel", "yields", "presented", "room used", "texts",
    "never all clear", "information ended",
)  # fmt: skip
_CHECKS: Final = re.compile(r"(?P<function>\*|[a-z_]+)\.(?P<kind>[^@]+?)(?: @(?P<scenarios>[\w*?]+))?")
_TEST: Final = re.compile(r"(?P<file>tests/[\w/]+\.py)::(?P<name>test_\w+)")


@dataclass(frozen=True, slots=True)
class Checks:
    """A choice of checks, as `right_turn.caution` or `*.display @crossing_*` (only of scenarios so named)."""

    function: str
    kind: str
    scenarios: str

    @classmethod
    def read(cls, text: str) -> Self:
        """The choice that a text tells; ValueError with the mend."""
        found = _CHECKS.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no choice of checks; write function.kind or function.kind @scenarios")
        if found["function"] != "*" and found["function"] not in FUNCTIONS:
            raise ValueError(f"{text!r}: no function {found['function']}; known: {', '.join(FUNCTIONS)}")
        if found["kind"].rpartition(": ")[2] not in KINDS:
            raise ValueError(f"{text!r}: no check {found['kind']}; known: {', '.join(KINDS)}")
        return cls(found["function"], found["kind"], found["scenarios"] or "*")

    def match(self, scenario: str, function: str, what: str) -> bool:
        """Whether a check is one of these."""
        return (
            self.function in ("*", function)
            and self.kind in (what, what.rpartition(": ")[2])
            and fnmatchcase(scenario, self.scenarios)
        )


class Clause(BaseModel):
    """One requirement."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[0-9A-Z][0-9A-Z.]*-[0-9]+$")
    clause: str = Field(pattern=r"^\[G .+\]( \[D\d+\])*$", description="where it stands, and our decision on it")
    force: Literal["must", "should", "may"]
    requirement: str = Field(min_length=10, max_length=300)
    checks: list[str] = []
    tests: list[str] = []
    not_applicable: str = ""
    open: str = ""

    @field_validator("checks")
    @classmethod
    def _chosen(cls, checks: list[str]) -> list[str]:
        for one in checks:
            try:
                Checks.read(one)
            except ValueError as error:
                raise PydanticCustomError("checks", "{reason}", {"reason": str(error)}) from error
        return checks

    @field_validator("tests")
    @classmethod
    def _named(cls, tests: list[str]) -> list[str]:
        for one in tests:
            if not _TEST.fullmatch(one):
                raise PydanticCustomError("tests", "{test} is no test; write tests/a/test_b.py::test_c", {"test": one})
        return tests

    @model_validator(mode="after")
    def _one_word(self) -> Self:
        if sum(map(bool, (self.checks or self.tests, self.not_applicable, self.open))) != 1:
            raise PydanticCustomError("evidence", "give evidence, or not_applicable, or open: one of the three")
        return self


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    clause: list[Clause] = Field(min_length=1)

    @field_validator("clause")
    @classmethod
    def _ids(cls, rows: list[Clause]) -> list[Clause]:
        ids = [row.id for row in rows]
        twice = next((one for one in ids if ids.count(one) > 1), None)
        if twice:
            raise PydanticCustomError("twice", "two rows have id {id}", {"id": twice})
        return rows


def load_clauses() -> list[Clause]:
    """All rows, in the guideline's order."""
    return read_toml(Path(__file__).with_name("clauses.toml"), _File).clause


def missing_tests(tests: Iterable[str], root: Path) -> list[str]:
    """Those of the tests that a checkout does not have."""
    out = []
    for one in tests:
        file, _, name = one.partition("::")
        path = root / file
        if not path.is_file() or not re.search(rf"^def {name}\(", path.read_text(encoding="utf-8"), re.MULTILINE):
            out.append(one)
    return out
