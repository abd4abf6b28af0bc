"""The configurations that the rig writes for units: read back by the unit's own reader."""

import os
import tomllib
from pathlib import Path

import pytest

from asvrig.scenario import Vehicle
from asvrig.unit_config import check_socket_path, quoted, replay_config, unit_config, unit_file
from asvunit.config import load_config
from asvunit.errors import UsageError


def vehicle(**keys) -> Vehicle:
    return Vehicle(**({"name": "ego", "heading_deg": 0, "speed_kmh": 36, "kind": "truck", "class": "A"} | keys))


def written(tmp_path: Path, text: str):
    (tmp_path / "read.toml").write_text(text, encoding="utf-8")
    return load_config(tmp_path / "read.toml")


def text_of(folder: Path, one: Vehicle, **keys) -> str:
    given = {"seed": 77, "gnss_port": "/dev/pts/3", "can_channel": "/dev/pts/4", "radio_port": 47123} | keys
    return unit_config(one, folder=folder, **given)


def test_a_live_unit_is_told_all_it_needs(tmp_path):
    config = written(tmp_path, text_of(tmp_path, vehicle(length_m=11.5, seed=5)))
    assert config.seed == 77
    assert (config.vehicle.kind, config.vehicle.length_m, config.vehicle.position_class) == ("truck", 11.5, "A")
    assert config.vehicle.map == "bench"
    assert (config.gnss.port, config.gnss.baud) == ("/dev/pts/3", 115200)
    assert (config.can.interface, config.can.channel, config.can.bitrate) == ("slcan", "/dev/pts/4", 500000)
    assert config.can.listen_only
    assert (config.radio.address, config.radio.port) == ("127.255.255.255", 47123)
    assert (config.hmi.gpio, config.hmi.record) == ("mock", str(tmp_path / "ego.pins.jsonl"))
    assert (config.events.file, config.events.socket) == (str(tmp_path / "ego.jsonl"), str(tmp_path / "ego.sock"))


@pytest.mark.parametrize(("can", "channel", "signal_map"), [("", "/dev/pts/4", None), ("bench", None, "bench")])
def test_no_can_is_no_table(tmp_path, can, channel, signal_map):
    config = written(tmp_path, text_of(tmp_path, vehicle(can=can), can_channel=channel))
    assert config.can.interface is None
    assert config.vehicle.map == signal_map


def test_a_map_that_is_a_file_is_named_by_its_whole_path(tmp_path, monkeypatch):
    (tmp_path / "mine.toml").touch()
    monkeypatch.chdir(tmp_path)
    config = written(tmp_path, text_of(tmp_path, vehicle(can="mine.toml")))
    assert config.vehicle.map == str(tmp_path / "mine.toml")


def test_a_relative_folder_is_written_whole(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = written(tmp_path, text_of(Path("here"), vehicle()))
    assert config.events.file == str(tmp_path / "here" / "ego.jsonl")


@pytest.mark.parametrize("text", ['a "b" \\ c', "tab\tline\nend\r", "\x00\x1f\x7f", "交差点 🚗", "'''\"\"\"", ""])
def test_strings_come_back_from_toml(text):
    assert tomllib.loads(f"key = {quoted(text)}") == {"key": text}


def test_a_path_that_is_no_text_is_refused():
    with pytest.raises(UsageError, match="UTF-8"):
        quoted(os.fsdecode(b"/tmp/\xff"))


def test_a_socket_path_that_no_socket_can_have_is_refused():
    check_socket_path("/" + "x" * 106)
    with pytest.raises(UsageError, match=r"108 bytes.*107.*shorter folder"):
        check_socket_path("/" + "x" * 107)
    with pytest.raises(UsageError, match="109 bytes"):
        check_socket_path("/" + "x" * 48 + "交" * 20)  # bytes count, not characters
    with pytest.raises(UsageError, match="shorter folder"):
        text_of(Path("/" + "x" * 120), vehicle())


@pytest.mark.parametrize("name", ["a/b", "..", "", "a\nb", "a\0b"])
def test_names_that_no_file_can_have_are_refused(name):
    with pytest.raises(UsageError, match="name"):
        unit_file(Path("/tmp"), name, "sock")


def test_a_replay_is_told_what_the_vehicle_is(tmp_path):
    config = written(tmp_path, replay_config(vehicle(seed=9, length_m=7)))
    assert (config.seed, config.vehicle.kind, config.vehicle.length_m) == (9, "truck", 7)
    assert config.gnss.port is None


def test_a_value_in_the_place_of_a_table_is_told_so(tmp_path: Path) -> None:
    file = tmp_path / "unit.toml"
    file.write_text("screen = 8080\n")
    with pytest.raises(UsageError, match=r"screen: a table is needed, as \[screen\]"):
        load_config(file)
