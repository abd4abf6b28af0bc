"""What doctor says of the radio: UDP of IPv4 and IPv6, interfaces in OCB mode, files, the port of other supports."""

import errno
import fcntl
import os
import pwd
import select
import socket
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from asvtools.doctor import radio, radio_files, radio_ocb, radio_udp
from asvtools.doctor.finding import ABSENT, OK, PROBLEM, SKIPPED, Job
from asvunit.config import Config
from asvunit.message import encode, raw_from_values
from asvunit.radio.ethernet import pack
from asvunit.radio.own_key import new_own_key
from iwtools import SimulatedCard
from nettools import CAP_NET_RAW, ip, tap, without

MESSAGE = encode(raw_from_values({}))
SIGNED = MESSAGE + b"PV" + bytes(76)


def put(root, path, text=""):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def job(root, config=None, says=None, **more):
    """Commands of the system answer with `says`, by their first two words."""
    return Job(0.05, config, root=root, run=lambda words: (says or {}).get(" ".join(words[:2])), **more)


def by_name(findings):
    return {finding.name: finding for finding in findings}


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as each:
        each.bind(("", 0))
        return each.getsockname()[1]


def on_air(root=None, address="127.255.255.255", seconds=0.05, **config):
    given = Config.model_validate({"radio": {"address": address, "port": free_port()}, **config})
    return Job(seconds, given, **({"root": root} if root else {}), run=lambda _words: None)


def test_the_loopback_radio(tmp_path):
    found = by_name(radio.check_radio(on_air(tmp_path)))
    assert {name: each.state for name, each in found.items()} == {
        "radio way": OK, "radio port": OK, "radio own frames": OK, "radio heard": ABSENT,
    }  # fmt: skip
    assert "this machine alone" in found["radio way"].detail


def test_own_frames_are_not_tried_where_others_would_hear_them(tmp_path):
    given = on_air(tmp_path)
    port = given.config.radio.port
    line = "   0: 00000000:{:04X} 00000000:0000 07\n"
    put(tmp_path, "proc/net/udp", "  sl  local_address\n" + line.format(port) * 2)
    assert by_name(radio.check_radio(given))["radio own frames"].state == SKIPPED


def test_others_are_counted_by_their_payloads(monkeypatch):
    said = [("10.0.0.7", MESSAGE)] * 3 + [("10.0.0.8", SIGNED)] + [("10.0.0.9", b"hello"), ("10.0.0.9", SIGNED[:-1])]
    said.append(("10.0.0.1", radio_udp.PROBE))

    class Receiver:
        def recvfrom(self, _size):
            host, payload = said.pop(0)
            return payload, (host, 5000)

    monkeypatch.setattr(radio_udp.select, "select", lambda ready, *_rest: (ready if said else [], [], []))
    found = radio_udp._heard(Job(60), Receiver(), "10.0.0.1")
    assert found.found == {
        "units": {"10.0.0.7:5000": 3, "10.0.0.8:5000": 1}, "messages": 3, "signed": 1, "malformed": 2,
    }  # fmt: skip
    assert (found.state, "2 frames of another form" in found.detail) == (OK, True)


def test_a_port_that_is_not_shared():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("", 0))
        config = Config.model_validate({"radio": {"port": other.getsockname()[1]}})
        found = by_name(radio.check_radio(Job(0.05, config)))
    assert found["radio port"].fails
    assert "ss -ulpn" in found["radio port"].mend


WAYS = [
    ("192.0.2.255", OK, "from"),
    ("239.1.2.3", OK, "from"),
    ("192.0.3.255", PROBLEM, "no broadcast address"),
    ("192.0.2.7", OK, "one machine, and no other hears it"),
]


@pytest.mark.parametrize(("address", "state", "text"), WAYS)
def test_the_way_of_an_address(tmp_path, monkeypatch, address, state, text):
    put(
        tmp_path,
        "proc/net/fib_trie",
        "Local:\n  |-- 192.0.2.255\n     /32 link BROADCAST\n  |-- 127.255.255.255\n     /32 link BROADCAST\n",
    )
    monkeypatch.setattr(radio_udp, "_way", lambda _end: "192.0.2.1")
    found = by_name(radio.check_radio(on_air(tmp_path, address)))["radio way"]
    assert (found.state, found.found["broadcasts"]) == (state, ["192.0.2.255"])
    assert text in found.detail
    if text != "from":
        assert found.mend == "set radio.address to 192.0.2.255"


def test_no_way_and_no_address(tmp_path, monkeypatch):
    monkeypatch.setattr(radio_udp, "_way", lambda _end: OSError(errno.ENETUNREACH, "Network is unreachable"))
    found = by_name(radio.check_radio(on_air(tmp_path, "192.0.2.255")))
    assert found["radio way"].fails
    assert "ip -brief address" in found["radio way"].mend
    (wrong,) = radio.check_radio(on_air(tmp_path, "radio.local"))
    assert wrong.fails
    off = by_name(radio.check_radio(job(tmp_path, Config.model_validate({"radio": {"kind": "off"}}))))
    assert off["radio"].state == SKIPPED


def test_a_broadcast_that_would_go_on_the_air_is_not_sent(tmp_path, monkeypatch):
    monkeypatch.setattr(radio_udp, "_way", lambda _end: "192.0.2.1")
    monkeypatch.setattr(socket.socket, "sendto", lambda *_arguments: pytest.fail("sent"), raising=False)
    assert by_name(radio.check_radio(on_air(tmp_path, "192.0.2.255")))["radio own frames"].state == SKIPPED


def test_modems_are_told(tmp_path):
    (tmp_path / "sys/class/net/wlan0/phy80211").mkdir(parents=True)
    put(tmp_path, "sys/class/net/wlan0/type", "1\n")
    (found,) = radio.check_radio(job(tmp_path))
    assert (found.state, found.found) == (ABSENT, {"wireless": ["wlan0"], "ocb": []})
    assert "asvkit radio check wlan0" in found.mend
    (found,) = radio.check_radio(job(tmp_path, None, {"iw dev": "Interface wlan0\n\ttype outside context of a BSS\n"}))
    assert (found.state, found.found["ocb"]) == (OK, ["wlan0"])


def test_the_port_of_other_supports(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        used = by_name(radio.check_radio(on_air(tmp_path, supports={"port": port})))["supports"]
    assert used.fails
    assert by_name(radio.check_radio(on_air(tmp_path, supports={"port": port})))["supports"].state == OK


# IPv6


def test_a_group_of_ipv6_by_an_interface():
    with tap() as wire:
        try:
            ip("-6", "address", "add", "fd00::1/64", "dev", wire.name, "nodad")
        except OSError as error:
            pytest.skip(f"needs IPv6: {error}")
        table = {"address": "ff02::4710", "interface": wire.name, "port": free_port()}
        given = Job(0.05, Config.model_validate({"radio": table}), run=lambda _words: None)
        found = by_name(radio.check_radio(given))
        assert {each.state for name, each in found.items() if name != "radio heard"} <= {OK, ABSENT}
        assert f"from {found['radio way'].found['from']} by {wire.name}" in found["radio way"].detail
        assert found["radio own frames"].found == {"heard": True}
        sent = []
        while select.select([wire.fileno], [], [], 0)[0]:
            sent.append(wire.read())
        assert not [frame for frame in sent if b"asvkit" in frame]  # the probe has not left this machine


def test_an_interface_without_ipv6_is_no_way():
    with tap(up=False) as wire:
        table = {"address": "ff02::4710", "interface": wire.name, "port": free_port()}
        given = Job(0.05, Config.model_validate({"radio": table}), run=lambda _words: None)
        found = by_name(radio.check_radio(given))["radio way"]
        assert (found.fails, f"ip -6 address show {wire.name}" in found.mend) == (True, True)


def test_a_group_by_an_interface_that_is_down():
    with tap(up=False) as wire:
        table = {"address": "239.255.47.1", "interface": wire.name, "port": free_port()}
        given = Job(0.05, Config.model_validate({"radio": table}), run=lambda _words: None)
        found = by_name(radio.check_radio(given))["radio way"]
        assert (found.fails, wire.name in found.mend, "wlan0" in found.mend) == (True, True, False)


def test_others_of_ipv6_are_named_without_their_zone(monkeypatch):
    said = [("fe80::7%eth0", MESSAGE), ("2001:db8::1", SIGNED)]

    class Receiver:
        def recvfrom(self, _size):
            host, payload = said.pop(0)
            return payload, (host, 5000, 0, 2)

    monkeypatch.setattr(radio_udp.select, "select", lambda ready, *_rest: (ready if said else [], [], []))
    found = radio_udp._heard(Job(60), Receiver(), "2001:db8::2")
    assert found.found["units"] == {"[fe80::7]:5000": 1, "[2001:db8::1]:5000": 1}


@pytest.mark.parametrize(
    ("address", "interface", "words", "mend"),
    [
        ("ff02::4710", None, "radio.interface", "name one of"),
        ("ff02::4710", "no_such0", "there is no network interface", "ip -br link"),
        ("fe80::1%eth0", None, "names an interface", ""),
    ],
)
def test_addresses_of_ipv6_that_need_an_interface(tmp_path, address, interface, words, mend):
    config = Config.model_validate({"radio": {"address": address, "interface": interface}})
    (found,) = radio.check_radio(job(tmp_path, config))
    assert (found.fails, words in found.detail, mend in found.mend) == (True, True, True)


# Frames of an interface


def on_interface(root, config, card=None, **more):
    """The card answers commands; without one they are not there."""

    def run(words):
        code, out, _err = card(words)
        return out if code == 0 else None

    given = Config.model_validate({"radio": {"kind": "ocb", **config}})
    return Job(0.05, given, root=root, run=run if card else lambda _words: None, **more)


@pytest.fixture
def nobody_speaks(monkeypatch):
    monkeypatch.setattr(radio_ocb, "_heard", lambda job, _name: radio_ocb.Heard(job).finding())
    monkeypatch.setattr(radio_ocb, "permitted", lambda: True)


def test_a_card_on_a_channel(tmp_path, nobody_speaks):
    card = SimulatedCard(tmp_path, interfaces={
        "wlan0": {"type": "outside context of a BSS", "up": True, "on": [5880, 10]},
        "mon0": {"type": "monitor", "up": True, "on": None},
    })  # fmt: skip
    found = by_name(radio.check_radio(on_interface(tmp_path, {"interface": "wlan0", "monitor": "mon0"}, card)))
    assert {name: each.state for name, each in found.items()} == {
        "radio card": OK, "radio mode": OK, "radio channel": OK, "radio regulation": OK, "radio link": OK,
        "radio ipv6": OK, "radio licence": OK, "radio monitor": OK, "radio right": OK, "radio heard": ABSENT,
    }  # fmt: skip
    assert "no Wi-Fi station may be the first" in found["radio regulation"].detail
    assert found["radio card"].found["rows"]["regulation"] == "passive"


def test_a_card_that_is_not_set_up(tmp_path, nobody_speaks):
    found = by_name(radio.check_radio(on_interface(tmp_path, {"interface": "wlan0"}, SimulatedCard(tmp_path))))
    assert found["radio mode"].fails
    assert "asvkit radio setup wlan0" in found["radio mode"].mend
    assert found["radio link"].fails
    assert "radio heard" not in found


def test_an_ethernet_needs_no_iw(tmp_path, nobody_speaks):
    SimulatedCard(tmp_path)
    found = by_name(radio.check_radio(on_interface(tmp_path, {"interface": "eth0"})))
    assert {each.state for each in found.values()} == {OK, ABSENT}


@pytest.mark.parametrize(
    ("table", "name", "words"),
    [
        ({}, "radio", "radio.interface is missing"),
        ({"interface": "wlan9"}, "radio interface", "no interface wlan9"),
        ({"interface": "eth0", "monitor": "mon9"}, "radio monitor", "no interface mon9"),
        ({"interface": "eth0", "monitor": "wlan0"}, "radio monitor", "is no monitor interface"),
        ({"interface": "eth0", "monitor": "mon0"}, "radio monitor", "mon0 is down"),
    ],
)
def test_interfaces_that_are_not_there(tmp_path, nobody_speaks, table, name, words):
    card = SimulatedCard(tmp_path, interfaces={
        "wlan0": {"type": "managed", "up": True, "on": None}, "mon0": {"type": "monitor", "up": False, "on": None},
    })  # fmt: skip
    found = by_name(radio.check_radio(on_interface(tmp_path, table, card)))[name]
    assert (found.fails, words in found.detail, bool(found.mend)) == (True, True, True)


def test_the_right_is_the_services(tmp_path, nobody_speaks, monkeypatch):
    SimulatedCard(tmp_path)
    given = on_interface(tmp_path, {"interface": "eth0"})
    file = "etc/systemd/system/asvkit.service"
    put(tmp_path, file, "[Service]\nUser=asvkit\n")
    found = by_name(radio.check_radio(given))["radio right"]
    assert (found.fails, "AmbientCapabilities=CAP_NET_RAW" in found.mend) == (True, True)
    put(tmp_path, file, (Path(__file__).resolve().parents[2] / "hardware/asvkit.service").read_text())
    assert by_name(radio.check_radio(given))["radio right"].state == OK
    (tmp_path / file).unlink()
    monkeypatch.setattr(radio_ocb, "permitted", lambda: False)
    found = by_name(radio.check_radio(given))
    assert (found["radio right"].fails, "radio heard" in found) == (True, False)


def test_others_on_an_interface_are_counted_by_their_addresses(monkeypatch):
    with tap() as wire:
        frames = [
            pack("02:00:00:00:00:07", MESSAGE), pack("02:00:00:00:00:07", MESSAGE), pack("02:00:00:00:00:08", SIGNED),
            pack("02:00:00:00:00:09", b"hello"), pack("02:00:00:00:00:09", MESSAGE)[:12] + b"\x08\x00" + MESSAGE,
        ]  # fmt: skip
        real = radio_ocb.select.select

        def select(ready, *_rest):
            if not frames:
                return [], [], []
            wire.write(frames.pop(0))
            return real(ready, [], [], 1 if frames else 0)

        monkeypatch.setattr(radio_ocb.select, "select", select)
        found = radio_ocb._heard(Job(60), wire.name)
        assert found.found == {
            "units": {"02:00:00:00:00:07": 2, "02:00:00:00:00:08": 1}, "messages": 2, "signed": 1, "malformed": 1,
        }  # fmt: skip


def test_without_the_right_it_is_told(tmp_path):
    SimulatedCard(tmp_path)
    with without(CAP_NET_RAW):
        found = by_name(radio.check_radio(on_interface(tmp_path, {"interface": "eth0"})))
        assert (found["radio right"].fails, found["radio right"].found["here"]) == (True, False)
    assert radio_ocb._heard(Job(0.01), "no_such0").state == SKIPPED


# Files of the radio


def with_files(tmp_path, **tables):
    config = Config.model_validate({"radio": {"kind": "off", **tables.pop("radio", {})}, **tables})
    return Job(0.05, config, tmp_path / "unit.toml", root=tmp_path, run=lambda _words: None)


def test_where_the_capture_goes(tmp_path):
    def found(file):
        return by_name(radio.check_radio(with_files(tmp_path, radio={"capture": file})))["radio capture"]

    assert (found("air.pcapng").state, found("air.pcapng").found["file"]) == (OK, str(tmp_path / "air.pcapng"))
    assert not (tmp_path / "air.pcapng").exists()
    assert (found("none/air.pcapng").fails, "make the folder" in found("none/air.pcapng").mend) == (True, True)
    (tmp_path / "air").mkdir()
    assert "is a folder" in found("air").detail


def test_a_capture_that_the_unit_would_not_write(tmp_path):
    given = with_files(tmp_path, radio={"capture": "air.pcapng"})

    def found():
        return by_name(radio.check_radio(given))["radio capture"]

    air = tmp_path / "air.pcapng"
    for content, refused in ((b"", False), (b"\x0a\x0d\x0d\x0a" + bytes(28), False), (b"hello world", True)):
        air.write_bytes(content)
        assert found().fails is refused, content
        assert air.read_bytes() == content
    assert ("something else" in found().detail, "another file" in found().mend) == (True, True)
    air.write_bytes(b"")
    with air.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert (found().fails, "another unit" in found().detail) == (True, True)
        given = replace(given, holder="process 1")
        assert not found().fails  # it is this unit that writes it


def test_scarce_room_for_the_capture_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(radio_files.shutil, "disk_usage", lambda _folder: SimpleNamespace(free=72_000_000))
    found = by_name(radio.check_radio(with_files(tmp_path, radio={"capture": "air.pcapng"})))["radio capture"]
    assert (found.state, "72 MB free: 1 h" in found.detail, bool(found.mend)) == (OK, True, True)


def test_the_own_key(tmp_path):
    given = with_files(tmp_path, emergency={"own_key": "own.pem"})
    missing = by_name(radio.check_radio(given))["own key"]
    assert (missing.fails, "asvkit keys new" in missing.mend) == (True, True)
    new_own_key(tmp_path / "own.pem", 0x2A01)
    good = by_name(radio.check_radio(given))["own key"]
    assert (good.state, good.found["id"]) == (OK, "0x00002a01")
    (tmp_path / "own.pem").chmod(0o640)
    open_to_all = by_name(radio.check_radio(given))["own key"]
    assert (open_to_all.fails, "chmod 600" in open_to_all.mend) == (True, True)


@pytest.mark.parametrize(
    ("in_action", "signals", "fails"),
    [
        ("signal", "", True),
        ("signal", "speed", True),
        ("signal", "emergency", False),
        ("always", "", False),
        ("never", "", False),
    ],
)
def test_an_emergency_vehicle_that_would_never_be_in_action(tmp_path, in_action, signals, fails):
    new_own_key(tmp_path / "own.pem", 0x2A01)
    if signals:
        put(tmp_path, "car.dbc", 'BO_ 256 M: 8 X\n SG_ S : 0|16@1+ (1,0) [0|300] "" X\n')
        form = 'unit = "km/h"' if signals == "speed" else 'values = { 0 = "off", 1 = "on" }'
        text = f'map = 1\nname = "car"\n[database]\nfile = "car.dbc"\n[signal.{signals}]\nfrom = "M.S"\n{form}\n'
        put(tmp_path, "car.toml", text)
    car = {"vehicle": {"map": "car.toml"}, "can": {"interface": "virtual"}} if signals else {}
    given = with_files(tmp_path, emergency={"own_key": "own.pem", "in_action": in_action}, **car)
    found = by_name(radio.check_radio(given))
    assert found["own key"].state == OK
    assert ("in action" in found) is fails
    if fails:
        assert (found["in action"].fails, "blue light" in found["in action"].mend) == (True, True)


def test_the_own_key_is_the_services_users(tmp_path, monkeypatch):
    given = with_files(tmp_path, emergency={"own_key": "own.pem"})
    new_own_key(tmp_path / "own.pem", 0x2A01)
    put(tmp_path, "etc/systemd/system/asvkit.service", "[Service]\nUser=asvkit\n")
    monkeypatch.setattr(radio_files.pwd, "getpwnam", lambda _name: SimpleNamespace(pw_uid=os.geteuid() + 7))
    found = by_name(radio.check_radio(given))["own key"]
    assert (found.fails, found.mend.startswith("`sudo chown asvkit ")) == (True, True)
    monkeypatch.setattr(radio_files.pwd, "getpwnam", lambda _name: SimpleNamespace(pw_uid=os.geteuid()))
    assert by_name(radio.check_radio(given))["own key"].state == OK


def test_another_users_key_is_not_read(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs root: a file is to be another user's")
    new_own_key(tmp_path / "own.pem", 0x2A01)
    other = pwd.getpwnam("nobody").pw_uid
    os.chown(tmp_path / "own.pem", other, -1)
    found = by_name(radio.check_radio(with_files(tmp_path, emergency={"own_key": "own.pem"})))["own key"]
    assert (found.state, f"#{other}" in found.mend) == (SKIPPED, True)
