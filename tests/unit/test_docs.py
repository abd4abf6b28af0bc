"""What the documents show is true: every example of the Python API runs, the configuration shown is the one written."""

import re
import threading
from pathlib import Path

import pytest

from asvcore.settings import Settings
from asvunit.clock import UnitClock
from asvunit.config_text import config_text
from asvunit.event_hub import EventHub
from asvunit.scene import scene
from asvunit.unit import Unit
from watchtools import EVENTS, SCENE, unlisted

DOCS = Path(__file__).resolve().parents[2] / "docs"
_BLOCKS = re.findall(r"```python\n(.*?)```", (DOCS / "python-api.md").read_text(encoding="utf-8"), re.DOTALL)


def test_the_page_has_its_examples() -> None:
    assert len(_BLOCKS) == 3


@pytest.mark.parametrize("block", [block for block in _BLOCKS if "subscribe" not in block])
def test_examples_print_what_they_say(block: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = re.findall(r"print\(.*\)  # (.*)", block)
    exec(compile(block, "python-api.md", "exec"), {})
    assert capsys.readouterr().out.splitlines() == said
    assert len([line for line in block.splitlines() if line.strip() and not line.startswith(("import", "from"))]) <= 10


def test_the_subscriber_prints_what_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    block = next(block for block in _BLOCKS if "subscribe" in block)
    monkeypatch.chdir(tmp_path)
    hub = EventHub(path=Path("events.sock"))
    hub.publish({"event": "status", "input": "gnss", "state": "ok", "reason": "received"})
    hub.publish({"event": "hmi", "level": "caution", "text": "WAIT! Left side", "direction": "left"})
    hub.start()

    def end_once_served() -> None:
        while not hub._subscribers:
            threading.Event().wait(0.01)
        hub.close()

    threading.Thread(target=end_once_served, daemon=True).start()
    exec(compile(block, "python-api.md", "exec"), {})
    assert capsys.readouterr().out.splitlines() == ["gnss ok received", "WAIT! Left side left"]


def test_the_keys_of_scenes_are_listed() -> None:
    unit = Unit(Settings(), UnitClock(0, 0), sink=lambda _event: None, send=lambda _t, _f: None)
    told = scene(unit)
    assert told.keys() - {"t", "event"} == SCENE.keys() - {"t", "event"}
    assert told["ego"].keys() == SCENE["ego"].keys()
    for event in (told, *EVENTS):
        assert not unlisted(event)
    assert unlisted({**EVENTS[0], "new": 1}) == unlisted({**SCENE, "ego": {"new": 1}}) == {"new"}


def test_the_configuration_shown_is_the_one_written() -> None:
    page = (DOCS / "configuration.md").read_text(encoding="utf-8")
    shown = re.search(r"```toml\n(.*?)```", page, re.DOTALL)
    assert shown is not None
    assert shown[1] == config_text()
