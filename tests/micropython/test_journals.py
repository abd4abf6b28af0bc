"""The core on real MicroPythons: the outputs of CPython, integer for integer, and no allocation.

Every call of the core runs under `micropython.heap_lock()`. That also shows that no float and, on the port with a
board's small integers, no integer from 2^30 on is computed: either would allocate.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

import journaltools
from asvcore import journal
from asvcore.settings import FIELDS
from asvrig.generate import generate
from asvrig.scenario import load_scenario, scenario_names
from asvtools.cli import run
from asvtools.firmware.ports import NATIVE, WASM, Port
from coretools import Drive
from gatetools import ALL, FIRMWARE, HERE, Make, SharedOnce, cpython, port_names, same

pytestmark = pytest.mark.micropython

RUN = HERE / "run_journal.py"
JournalOf = Callable[[str, Make], tuple[Path, str]]


@pytest.fixture(scope="session")
def journal_of(shared_once: SharedOnce) -> JournalOf:
    """A journal by its name, and what CPython makes of it."""

    def of(name: str, write: Make) -> tuple[Path, str]:
        def make(folder: Path) -> None:
            write(folder / "core.journal")
            wanted = cpython(RUN, FIRMWARE, folder / "core.journal")
            assert wanted.count("\n") > 300
            (folder / "wanted").write_text(wanted)

        folder = shared_once(name, make)
        return folder / "core.journal", (folder / "wanted").read_text()

    return of


HAND_MADE = (
    journaltools.crossing,
    journaltools.hostile,
    journaltools.hostile_right_hand,
    journaltools.crowded,
    journaltools.in_parts,
    journaltools.extremes,
)
# Every day what takes little time, and what others do not hold; make gate takes all on each port
EVERYDAY_JOURNALS = (
    (NATIVE, journaltools.crossing),
    (NATIVE, journaltools.in_parts),
    (WASM, journaltools.crossing),
    (WASM, journaltools.in_parts),
)


@pytest.mark.parametrize(
    ("port", "write"),
    [
        pytest.param(
            name,
            write,
            marks=[] if (name, write) in EVERYDAY_JOURNALS else pytest.mark.long,
            id=f"{name}-{write.__name__}",
        )
        for name in port_names()
        for write in HAND_MADE
    ],
    indirect=["port"],
)
def test_journal_gives_the_same_outputs_and_allocates_nothing(
    port: Port, source: Path, journal_of: JournalOf, write: Make
) -> None:
    path, wanted = journal_of(write.__name__, write)
    same(port, wanted, RUN, source, "lock", path)
    if ALL:
        same(port, wanted, RUN, source, path)


@pytest.mark.long
def test_a_journal_gives_the_same_from_compiled_modules(wasm: Port, compiled: Path, journal_of: JournalOf) -> None:
    path, wanted = journal_of("crossing", journaltools.crossing)
    same(wasm, wanted, RUN, compiled, "lock", path)


@pytest.mark.long
@pytest.mark.parametrize("write", HAND_MADE, ids=lambda write: write.__name__)
def test_every_journal_gives_the_same_from_compiled_modules(
    port: Port, compiled: Path, journal_of: JournalOf, write: Make
) -> None:
    path, wanted = journal_of(write.__name__, write)
    same(port, wanted, RUN, compiled, "lock", path)


# The everyday ones; ASVKIT_ALL=1 (make gate) takes every scenario
EVERYDAY = ("crossing_flyover_map", "crossing_roadside", "left_turn_information_ended")


@pytest.fixture(scope="session")
def scenario_journal(journal_of: JournalOf) -> Callable[[str], tuple[Path, str]]:
    """The journal of a scenario by its name, and what CPython makes of it."""

    def of(name: str) -> tuple[Path, str]:
        def write(path: Path) -> None:
            recordings = generate(load_scenario(name), path.parent)
            assert run(["replay", *recordings.arguments(), "--journal", str(path)]) == 0

        return journal_of(name, write)

    return of


@pytest.mark.parametrize("name", scenario_names() if ALL else EVERYDAY)
def test_every_scenario_gives_the_same_outputs(port: Port, source: Path, scenario_journal, name: str) -> None:
    path, wanted = scenario_journal(name)
    same(port, wanted, RUN, source, "lock", path)


@pytest.mark.long
@pytest.mark.parametrize("name", EVERYDAY)
def test_scenarios_give_the_same_from_compiled_modules(port: Port, compiled: Path, scenario_journal, name: str) -> None:
    path, wanted = scenario_journal(name)
    same(port, wanted, RUN, compiled, "lock", path)


def test_journal_lines_of_no_known_kind_are_refused() -> None:
    core = journal.settings_of("settings seed=4 neighbours=2")
    assert (core.seed, core.neighbours) == (4, 2)
    with pytest.raises(ValueError, match="setting"):
        journal.settings_of("settings nothing=1")
    drive = Drive()
    assert not journal.feed(drive.core, "# comment")
    with pytest.raises(ValueError, match="journal line Q"):
        journal.feed(drive.core, "Q 1 2 3")
    assert len(FIELDS) == len({row[0] for row in FIELDS})
