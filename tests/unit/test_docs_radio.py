"""What the pages on the radio show is true: output, reasons, options, links, and the way from a key to trust."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from asvtools import keys_command, par_command, radio_command
from asvtools.doctor.command import lines
from asvtools.doctor.finding import Finding
from asvtools.radio_card import Machine, Ran
from asvtools.radio_setup import Wanted, set_up
from asvtools.wireshark import command as wireshark_command
from asvunit.config import load_config
from iwtools import SimulatedCard

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
RADIO = (ROOT / "docs" / "radio.md").read_text(encoding="utf-8")
EMERGENCY = (ROOT / "docs" / "emergency.md").read_text(encoding="utf-8")
PAR = typer.Typer(add_completion=False)
PAR.command("par")(par_command.par)


def anchors(page: Path) -> set[str]:
    """As GitHub names the headings of a page."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    heads = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", text) if not target.startswith("http")]
    for target in targets:
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target
    for path in re.findall(r"(?<![\w/.])(?:docs|hardware|tests|firmware|benchmarks|hil)/[\w./@-]*\w", text):
        assert (ROOT / path).exists(), path


def test_the_output_of_radio_setup_is_the_one_shown(tmp_path: Path) -> None:
    card = SimulatedCard(tmp_path)
    machine = Machine(tmp_path, lambda words: Ran(*card(words)))
    rows = set_up(machine, Wanted("wlan0", 5880, 10, "mon0")).rows
    printed = [line for row in rows for line in lines(Finding(row.what, row.state, row.detail, row.mend), 100)]
    shown = RADIO[RADIO.index("    ok       card: ") : RADIO.index("`setup` looks first")]
    shown = shown.replace("phy1", "phy0").replace("wlan1", "wlan0")
    assert [line[4:] for line in shown.strip("\n").splitlines() if line] == printed


def reasons() -> Iterator[str]:
    """The words for what is wrong with a card, wherever the tools make one."""
    for file in sorted((ROOT / "tools" / "asvtools").glob("radio_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                at = {"Row": 4, "Verdict": 0}.get(node.func.id)
                if at is not None and len(node.args) > at and isinstance(word := node.args[at], ast.Constant):
                    yield str(word.value)


def test_every_reason_has_its_row() -> None:
    told = set(reasons())
    assert len(told) > 15
    table = RADIO[RADIO.index("### What goes wrong") : RADIO.index("## Regulation")]
    assert [word for word in sorted(told) if f"`{word}`" not in table] == []


@pytest.mark.parametrize(
    ("app", "page"),
    [(radio_command.app, "radio"), (keys_command.app, "emergency"), (PAR, "par"), (wireshark_command.app, "wireshark")],
    ids=["radio", "keys", "par", "wireshark"],
)
def test_every_option_is_on_its_page(app: typer.Typer, page: str) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    group = get_command(app)
    commands = list(getattr(group, "commands", {page: group}).values())
    options = {option for one in commands for each in one.params for option in each.opts if option.startswith("-")}
    assert options
    missing = [option for option in options - {"--output", "--help"} if option not in text]
    assert missing == []


@pytest.mark.parametrize("app", [radio_command.app, keys_command.app, wireshark_command.app])
def test_a_group_without_a_command_says_so(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 2
    assert "Missing command" in result.output


def test_the_hint_of_radio_setup_repeats_what_was_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = SimulatedCard(tmp_path, may=False)
    monkeypatch.setattr(radio_command, "_machine", lambda: Machine(tmp_path, lambda words: Ran(*card(words))))
    result = CliRunner().invoke(radio_command.app, ["setup", "wlan0", "--monitor", "mon0"])
    assert "sudo asvkit radio setup wlan0 --frequency 5880 --width 10 --monitor mon0;" in str(result.exception)


def test_from_a_key_to_trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands of the page, and its table for the sender."""
    monkeypatch.chdir(tmp_path)
    new, trust = re.findall(r"^    asvkit keys (.*?)(?: > .*)?$", EMERGENCY, re.MULTILINE)
    made = CliRunner().invoke(keys_command.app, new.split())
    (tmp_path / "ambulance.pub").write_text(made.stdout, encoding="utf-8")
    sending = re.search(r"## Sending\n\n```toml\n(.*?)\n\n", EMERGENCY, re.DOTALL)
    assert sending is not None
    (tmp_path / "unit.toml").write_text(sending[1] + "\n", encoding="utf-8")
    assert CliRunner().invoke(keys_command.app, trust.split()).exit_code == 0
    shown = re.search(r"^(0x\w+) = \"\w{64}\"$", EMERGENCY, re.MULTILINE)
    assert shown is not None
    table = load_config(tmp_path / "unit.toml").emergency
    assert (list(table.keys), table.own_key) == ([shown[1]], "ambulance.key")
    assert CliRunner().invoke(keys_command.app, ["list", "--config", "unit.toml"]).exit_code == 0
