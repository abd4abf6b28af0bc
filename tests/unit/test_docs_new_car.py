"""The tutorial for a new car is true: its files, run through its commands, print what the page shows."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from asvunit.vehicle import VehicleMap
from cardrive import write_drive

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "new-car.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE, re.DOTALL)
SHOWN = dict(text[2:].split("\n", 1) for _, text in BLOCKS if text.startswith("$ "))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    database = next(text for _, text in BLOCKS if text.startswith("VERSION"))
    (tmp_path / "hatch.dbc").write_text(database, encoding="utf-8")
    write_drive(tmp_path / "drive.log")
    return tmp_path


def run(folder: Path, command: str, code: int = 0) -> str:
    """What a command of the page prints, without the blanks that fill lines."""
    arguments = command.removeprefix("asvkit vehicle ").split()
    program = (
        "import sys; from asvtools import vehicle_command as v; from asvunit.errors import AsvkitError\n"
        "try:\n    v.app(sys.argv[1:], standalone_mode=False)\n"
        "except AsvkitError as error:\n    print('asvkit:', error); sys.exit(error.exit_code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env={**os.environ, "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stdout
    return "\n".join(line.rstrip() for line in done.stdout.strip("\n").splitlines()) + "\n"


@pytest.mark.long
def test_the_page_from_its_beginning_to_its_end(folder: Path) -> None:
    suggest, check, compiled = SHOWN
    assert run(folder, suggest) == SHOWN[suggest]
    proposal = (folder / "hatch.toml").read_text(encoding="utf-8")
    first, second = (text for name, text in BLOCKS if name == "toml" and "chosen by" in text)
    for part in first.split("\n\n"):
        assert part.strip("\n") in proposal
    alone = run(folder, "asvkit vehicle suggest hatch.dbc")
    for part in second.split("\n\n"):
        assert part.strip("\n") in alone
    assert run(folder, check, code=1) == SHOWN[check]
    mended = next(text for name, text in BLOCKS if name == "toml" and text.startswith("values")).strip()
    text, count = re.subn(r"^values = \{ 1 = \"parking.*$", mended, proposal, flags=re.MULTILINE)
    assert count == 1
    (folder / "hatch.toml").write_text(text, encoding="utf-8")
    assert run(folder, check).splitlines()[-1] in [text.strip() for _, text in BLOCKS]
    shown, printed = (re.sub(r"\d+ (?=bytes|without)", "N ", text) for text in (SHOWN[compiled], run(folder, compiled)))
    assert printed == shown  # but for the sizes
    (folder / "hatch.dbc").unlink()
    assert VehicleMap.load(folder / "hatch.json").mapped == (
        "speed",
        "brake",
        "winker",
        "hazard",
        "shift",
        "accelerator",
        "acceleration",
    )
    assert tomllib.loads(text)["signal"]["shift"]["values"]["5"] == "drive"


def test_what_the_tables_quote_is_what_the_commands_say() -> None:
    """The page's tables explain texts by their beginnings; each has to be in the source that prints it."""
    tools = Path(__file__).resolve().parents[2] / "tools" / "asvtools"
    source = "".join(path.read_text(encoding="utf-8") for path in sorted(tools.glob("vehicle_*.py")))
    source = re.sub(r"\"\s*\n\s*f?\"", "", source)
    quoted = [row.split("|")[1].strip() for row in PAGE.splitlines() if row.startswith("| ") and "|---" not in row]
    quoted = [text for text in quoted if text not in ("TODO", "it says")]
    texts = [part.strip() for text in quoted for part in re.split(r"\.\.\.|,", text)]
    assert len(texts) >= 14
    missing = [text for text in texts if re.sub(" can1| 0 km/h", "", text) not in source]
    assert not missing
