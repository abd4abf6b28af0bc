"""The codec on real MicroPythons: golden vectors, and the cases of its properties from a fixed seed."""

from pathlib import Path

import pytest

from asvcore.elements import CODED
from asvtools.firmware.ports import Port
from codeccases import cases
from gatetools import ALL, FIRMWARE, HERE, cpython, same

pytestmark = pytest.mark.micropython


def test_golden_vectors(port: Port, source: Path) -> None:
    files = sorted((HERE.parent / "vectors").glob("*.json"))
    wanted = cpython(HERE / "run_vectors.py", FIRMWARE, *files)
    same(port, wanted, HERE / "run_vectors.py", source, *files)
    assert int(wanted.split()[0]) >= 7


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    lines, wanted = cases(5000 if ALL else 300)
    path = tmp_path_factory.mktemp("codec") / "cases.jsonl"
    path.write_text("\n".join(lines) + "\n")
    refused = [line for line in wanted if line.startswith("refused")]
    assert {int(line.split()[2][:-1]) for line in refused} == set(range(1, CODED + 1))
    assert len(wanted) - len(refused) > len(refused) > 4 * CODED
    return path, "\n".join(wanted)


def test_cases_on_cpython(asked: tuple[Path, str]) -> None:
    assert cpython(HERE / "run_codec.py", FIRMWARE, asked[0]).splitlines() == asked[1].splitlines()


def test_cases_come_out_the_same(port: Port, source: Path, asked: tuple[Path, str]) -> None:
    same(port, asked[1], HERE / "run_codec.py", source, asked[0])


def test_cases_from_compiled_modules(port: Port, compiled: Path, asked: tuple[Path, str]) -> None:
    same(port, asked[1], HERE / "run_codec.py", compiled, asked[0])
