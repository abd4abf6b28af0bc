"""Installing the dissector: where it goes, what is never overwritten, and that tshark takes it."""

import os
import re
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from asvcore.elements import ELEMENTS
from asvtools.wireshark import install as installing
from asvtools.wireshark.command import app
from asvtools.wireshark.install import FILE_NAME, install, personal_folder
from asvtools.wireshark.source import OURS, PARTS, dissector, element_rows, value_rows
from asvunit.errors import AsvkitError, UsageError
from asvunit.message.values import VALUE_KEYS
from wiresharktools import Tshark, ocb, write_pcap

_HEX = (Path(__file__).parents[1] / "vectors" / "tokyo_car.json").read_text().split('"hex": "')[1].split('"')[0]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, so that nobody's Wireshark is touched."""
    for name in [name for name in os.environ if name.startswith(("XDG_", "WIRESHARK"))]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def _tshark(folder: Path, script: str) -> Path:
    """A program that stands in for tshark."""
    path = folder / "tshark"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.long
def test_installed_and_of_use_at_once(home: Path) -> None:
    tshark = Tshark(home)
    result = CliRunner().invoke(app, ["install"])
    file = home / ".local/lib/wireshark/plugins" / FILE_NAME
    assert result.exit_code == 0
    assert f"{file}: installed" in result.stdout
    assert re.search(r"tshark \d+\.\d+\.\d+ loads it", result.stdout)
    rows = tshark.fields(write_pcap(home / "x.pcap", [ocb(bytes.fromhex(_HEX))]), ["asv.speed"])
    assert rows == [{"asv.speed": "50"}]


def test_again_is_up_to_date_and_an_older_one_is_replaced(home: Path) -> None:
    folder = home / "made" / "for it"
    assert not install(folder).unchanged
    file = folder / FILE_NAME
    before = file.stat()
    assert install(folder).unchanged
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    file.write_text(f"{OURS}, asvkit 0.0.1\n", encoding="utf-8")
    assert not install(folder).unchanged
    assert file.read_text(encoding="utf-8") == dissector()
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert os.listdir(folder) == [FILE_NAME]


def test_a_file_of_others_is_left_alone(home: Path) -> None:
    file = home / FILE_NAME
    file.write_bytes(b"-- mine \xff\n")
    with pytest.raises(UsageError, match="another file of this name; move it away, or give --folder"):
        install(home)
    assert file.read_bytes() == b"-- mine \xff\n"


@pytest.mark.parametrize("kind", ["file for folder", "folder for file"])
def test_where_it_cannot_be_written(home: Path, kind: str) -> None:
    folder = home / "x"
    if kind == "file for folder":
        folder.write_text("")
    else:
        (folder / FILE_NAME).mkdir(parents=True)
    with pytest.raises(UsageError, match=r"give --folder$") as raised:
        install(folder)
    assert "\n" not in str(raised.value)


def test_the_folder_without_tshark_is_the_documented_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(home))
    monkeypatch.setattr(installing, "_ELSEWHERE", ())
    result = CliRunner().invoke(app, ["install"])
    assert result.exit_code == 0
    assert "no tshark found: not tried" in result.stdout
    assert (home / ".local/lib/wireshark/plugins" / FILE_NAME).read_text(encoding="utf-8") == dissector()


def test_on_windows_it_is_in_the_roaming_profile(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing.sys, "platform", "win32")
    monkeypatch.setenv("APPDATA", str(home / "Roaming"))
    assert personal_folder(None) == home / "Roaming" / "Wireshark" / "plugins"


def test_the_folder_is_asked_of_tshark(home: Path) -> None:
    both = f"echo 'Personal Plugins:    \t{home}/plugins/3.6'; echo 'Personal Lua Plugins:\t{home}/a b'"
    assert personal_folder(str(_tshark(home, both))) == home / "a b"
    assert personal_folder(str(_tshark(home, both.partition(";")[0]))) == home / "plugins/3.6"
    assert personal_folder(str(_tshark(home, "exit 1"))) == home / ".local/lib/wireshark/plugins"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("echo '/x y/asvkit.lua:3: no such thing' >&2", "does not load it: no such thing$"),
        ("true", "is it built with Lua"),
    ],
)
def test_a_tshark_that_does_not_take_it(home: Path, monkeypatch: pytest.MonkeyPatch, said: str, why: str) -> None:
    _tshark(home, said)
    monkeypatch.setenv("PATH", f"{home}:/usr/bin:/bin")
    with pytest.raises(AsvkitError, match=why) as raised:
        install()
    assert raised.value.exit_code == 1
    assert "\n" not in str(raised.value)


@pytest.mark.long
def test_a_second_copy_is_told(home: Path) -> None:
    Tshark(home)
    folder = home / ".local/lib/wireshark/plugins"
    folder.mkdir(parents=True)
    (folder / "a.lua").write_text(dissector(), encoding="utf-8")
    with pytest.raises(AsvkitError, match="the protocol is there already: another copy"):
        install()


def test_root_by_sudo_is_told_whose_folder_it_is(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(home))
    monkeypatch.setenv("SUDO_USER", "taro")
    monkeypatch.setattr(installing, "_ELSEWHERE", ())
    assert "root's folder" in CliRunner().invoke(app, ["install"]).output


def test_the_source_is_printed_or_written(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["lua"]).stdout_bytes.decode() == dissector()
    file = tmp_path / "x.lua"
    assert CliRunner().invoke(app, ["lua", "-o", str(file)]).exit_code == 0
    assert file.read_text(encoding="utf-8") == dissector()
    failed = CliRunner().invoke(app, ["lua", "-o", str(tmp_path)])
    assert isinstance(failed.exception, UsageError)


def test_the_source_can_be_used_without_installing(home: Path) -> None:
    file = home / "x.lua"
    file.write_text(dissector(), encoding="utf-8")
    capture = write_pcap(home / "x.pcap", [ocb(bytes.fromhex(_HEX))])
    rows = Tshark(home).fields(capture, ["asv.value.speed_kmh"], "-X", f"lua_script:{file}")
    assert rows == [{"asv.value.speed_kmh": "50"}]


def test_it_begins_as_ours_and_names_every_element_and_value() -> None:
    text = dissector()
    assert text.startswith(OURS)
    for row in ELEMENTS:
        assert f'name = "{row[2]}"' in text
    for key in VALUE_KEYS:
        assert f'name = "{key}' in text
    assert len(PARTS) == 3


def test_the_page_names_fields_that_are_there() -> None:
    text = dissector()
    known = set(re.findall(r'"(asv\.[a-z_.]*[a-z])"', text)) | {"asv.udp_ports"}
    known |= {f"asv.{row[2]}" for row in ELEMENTS} | {f"asv.value.{row['name']}" for row in value_rows(element_rows())}
    page = (Path(__file__).parents[2] / "docs" / "wireshark.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\basv\.(?!lua|<|value\.<)[a-z_.]*[a-z2]", page))
    assert named - known == set()
    listed = re.search(r"Values: (.*?): those of", page, re.DOTALL)
    assert listed is not None
    assert re.findall(r"`([^`]+)`", listed[1]) == [row["name"] for row in value_rows(element_rows())]
