"""`asvkit radio setup` and `check`: what is done in which order, what each refusal says; nothing is done twice."""

import json
import os
import re
import stat
import sys
from pathlib import Path

import pytest
import typer

from asvtools import cli, radio_command
from asvtools.radio_card import Machine, Ran
from asvtools.radio_channels import judge, licence
from asvtools.radio_check import check
from asvtools.radio_iw import channels, domains, fault, modes, setting, settings
from asvtools.radio_setup import Wanted, set_up
from iwtools import RECORDED, SimulatedCard

HARDWARE = Path(__file__).resolve().parents[2] / "hardware"
OCB = {"type": "outside context of a BSS", "up": True, "on": [5880, 10]}
PROGRAM = """#!{python} -IS
import sys
sys.argv[0] = "{name}"
sys.path.insert(0, "{folder}")
import iwtools
sys.exit(iwtools.main())
"""
CHANGES = re.compile(r"ip link set|set type|ocb |interface add")


def machine(card):
    return Machine(card.root, lambda words: Ran(*card(words)))


def run(card, frequency=5880, width=10, **more):
    return set_up(machine(card), Wanted("wlan0", frequency, width, **more))


def states(outcome):
    return {row.what: row.state for row in outcome.rows}


def changes(card):
    return [words for words in card.asked if CHANGES.search(words)]


def the_problem(outcome):
    (row,) = outcome.problems
    return row


def test_a_card_is_set_up_and_read_back(tmp_path):
    card = SimulatedCard(tmp_path)
    outcome = run(card)
    assert states(outcome) == {
        "card": "ok",
        "regulation": "warning",
        "ipv6": "done",
        "channel": "done",
        "licence": "warning",
    }
    assert changes(card) == [
        "ip link set wlan0 down", "iw dev wlan0 set type ocb", "ip link set wlan0 up",
        "iw dev wlan0 ocb join 5880 10MHz",
    ]  # fmt: skip
    assert card.state["interfaces"]["wlan0"] == OCB
    assert "mac80211_hwsim" in outcome.rows[0].detail


def test_a_second_time_nothing_is_changed(tmp_path):
    card = SimulatedCard(tmp_path)
    run(card, monitor="mon0")
    card.asked.clear()
    outcome = run(card, monitor="mon0")
    assert changes(card) == []
    assert (states(outcome)["channel"], states(outcome)["monitor"]) == ("ok", "ok")


@pytest.mark.parametrize(("frequency", "width"), [(5870, 10), (5880, 20), (5880, 5)])
def test_another_channel_is_joined_without_taking_it_down(tmp_path, frequency, width):
    card = SimulatedCard(tmp_path, interfaces={"wlan0": dict(OCB)})
    outcome = run(card, frequency, width)
    assert changes(card) == ["iw dev wlan0 ocb leave", f"iw dev wlan0 ocb join {frequency} {width}MHz"]
    assert (states(outcome)["channel"], card.state["interfaces"]["wlan0"]["on"]) == ("done", [frequency, width])


def test_a_dry_run_tells_the_commands_and_gives_none(tmp_path):
    card = SimulatedCard(tmp_path, may=False)
    outcome = run(card, dry_run=True, monitor="mon0")
    assert changes(card) == []
    assert [row.detail for row in outcome.rows if row.state == "would"] == [
        "`sudo sysctl -w net.ipv6.conf.wlan0.disable_ipv6=1`",
        "`sudo ip link set wlan0 down`", "`sudo iw dev wlan0 set type ocb`", "`sudo ip link set wlan0 up`",
        "`sudo iw dev wlan0 ocb join 5880 10MHz`", "`sudo iw dev wlan0 interface add mon0 type monitor`",
        "`sudo ip link set mon0 up`",
    ]  # fmt: skip


REFUSED = [
    ({"country": "00"}, 5880, "regulation", "channel_disabled", "world's domain (00)", "the country you are in"),
    ({"country": "JP"}, 5880, "regulation", "channel_disabled", "country JP allows 5875-5885", "without a licence"),
    ({"country": "DE"}, 5880, "regulation", "channel_disabled", "5725-5875 MHz is the next", "docs/radio.md"),
    ({"country": "US"}, 5890, "regulation", "channel_disabled", "but the card has it disabled", "another channel"),
    ({"country": "US"}, 5580, "regulation", "radar", "(DFS)", "another channel"),
    ({"country": "US"}, 5881, "regulation", "no_channel", "no channel at 5881", "5880 MHz and 5885 MHz"),
    ({"modes": ["managed", "AP"]}, 5880, "card", "no_ocb", "only managed, AP", "ath9k"),
    ({"modes": []}, 5880, "card", "no_iw", "no modes", "iw phy phy0 info"),
    ({"installed": ["ip"]}, 5880, "card", "no_iw", "iw is not installed", "apt install iw"),
    ({"blocked": "soft"}, 5880, "switch", "blocked", "rfkill, soft", "rfkill unblock"),
    ({"blocked": "hard"}, 5880, "switch", "blocked", "rfkill, hard", "switch"),
    ({"nmcli": "100 (connected)", "installed": ["iw", "ip", "nmcli"]}, 5880, "holder", "held", "NetworkManager",
     "nmcli device set wlan0 managed no"),
]  # fmt: skip


@pytest.mark.parametrize(("state", "frequency", "what", "reason", "detail", "mend"), REFUSED)
def test_what_keeps_it_from_being_set_up_is_told_before_any_change(
    tmp_path, state, frequency, what, reason, detail, mend
):
    card = SimulatedCard(tmp_path, **state)
    row = the_problem(run(card, frequency))
    assert (row.what, row.reason) == (what, reason)
    assert detail in row.detail
    assert mend in row.mend
    assert changes(card) == []


FAILS = [
    ({"may": False}, "mode", "no_permission", "Operation not permitted", "sudo"),
    ({"busy": ["P2P-device"]}, "up", "card_busy", "an interface without a name (P2P-device)", "wpa_supplicant"),
    ({"interfaces": {"wlan0": {"type": "managed", "up": False, "on": None},
                     "wlan1": {"type": "managed", "up": True, "on": None}}},
     "up", "card_busy", "also in use as wlan1 (managed)", "sudo ip link set wlan1 down"),
    ({"deaf": True, "modes": ["managed", "OCB"]}, "channel", "", "", ""),
    ({"installed": ["iw"]}, "mode", "no_iw", "`ip` is not installed", "apt install iproute2"),
]  # fmt: skip


@pytest.mark.parametrize(("state", "what", "reason", "detail", "mend"), FAILS)
def test_what_the_kernel_refuses_on_the_way_is_told(tmp_path, state, what, reason, detail, mend):
    card = SimulatedCard(tmp_path, **state)
    outcome = run(card)
    if not reason:  # accepted, and the channel is not told
        assert (outcome.problems, outcome.rows[-2].reason) == ([], "not_read_back")
        return
    row = the_problem(outcome)
    assert (row.what, row.reason) == (what, reason)
    assert detail in row.detail
    assert mend in row.mend


def test_a_network_manager_that_leaves_it_alone_is_no_holder(tmp_path):
    card = SimulatedCard(tmp_path, nmcli="10 (unmanaged)", installed=["iw", "ip", "nmcli"])
    assert run(card).problems == []


@pytest.mark.parametrize(
    ("path", "text", "who"),
    [
        ("proc/77/cmdline", "/sbin/wpa_supplicant\0-B\0-i\0wlan0\0-c\0/run/w.conf\0", "wpa_supplicant (process 77)"),
        ("run/wpa_supplicant/wlan0", "", "wpa_supplicant"),
        ("run/hostapd/wlan0", "", "hostapd"),
        ("proc/net/packet", "sk RefCnt Type Proto\n00 2 2 890d 2 0 0 0 178\n", "a supplicant"),
    ],
)
def test_programs_that_hold_it_are_named(tmp_path, path, text, who):
    card = SimulatedCard(tmp_path)
    card.put("proc/77/comm", "wpa_supplicant\n")
    card.put(path, text)
    row = the_problem(run(card))
    assert (row.reason, who in row.detail) == ("held", True)
    (tmp_path / path).unlink()
    assert run(card).problems == []


def test_an_ethernet_is_set_to_nothing_and_can_be_used(tmp_path):
    card = SimulatedCard(tmp_path)
    row = the_problem(set_up(machine(card), Wanted("eth0", 5880, 10)))
    assert (row.reason, 'kind = "ocb"' in row.mend) == ("not_wireless", True)
    outcome = check(machine(card), "eth0")
    assert states(outcome) == {"card": "ok", "link": "ok"}
    card.put("sys/class/net/eth0/carrier", "0")
    assert [row.detail for row in check(machine(card), "eth0").problems] == ["eth0 is up and has no carrier"]
    card.put("sys/class/net/eth0/flags", "0x1002")
    card.put("sys/class/net/eth0/mtu", "150")
    assert [row.reason for row in check(machine(card), "eth0").problems] == ["down", "mtu_too_small"]


def test_check_changes_nothing_and_tells_all(tmp_path):
    card = SimulatedCard(tmp_path)
    outcome = check(machine(card), "wlan0")
    assert [row.reason for row in outcome.problems] == ["not_ocb", "down"]
    run(card, monitor="mon0")
    card.asked.clear()
    good = check(machine(card), "wlan0", 5880, 10)
    assert (good.problems, changes(card)) == ([], [])
    assert any('monitor = "mon0"' in row.detail for row in good.rows)
    assert [row.reason for row in check(machine(card), "wlan0", 5870, 10).problems] == ["other_channel"]
    card(["ip", "link", "set", "wlan0", "down"])
    assert [row.reason for row in check(machine(card), "wlan0").problems] == ["not_joined", "down"]


def test_a_domain_that_changed_under_a_joined_card_is_a_problem(tmp_path):
    card = SimulatedCard(tmp_path, country="JP", interfaces={"wlan0": dict(OCB)})
    row = the_problem(check(machine(card), "wlan0"))
    assert (row.reason, row.mend.startswith("`sudo iw dev wlan0 ocb leave`")) == ("channel_disabled", True)
    assert the_problem(run(card)).reason == "channel_disabled"


def test_the_cards_own_address_stays_off_the_air(tmp_path):
    card = SimulatedCard(tmp_path)
    assert "own_address" in [row.reason for row in check(machine(card), "wlan0").rows]
    run(card)
    assert (tmp_path / "proc/sys/net/ipv6/conf/wlan0/disable_ipv6").read_text() == "1"
    assert "own_address" not in [row.reason for row in check(machine(card), "wlan0").rows]
    assert "ipv6" not in states(run(card))


def test_where_ipv6_cannot_be_turned_off_it_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(Machine, "write", lambda _self, _path, _text: "Read-only file system")
    outcome = run(SimulatedCard(tmp_path))
    assert [row.reason for row in outcome.rows] == ["", "passive", "own_address", "", "licence"]


def test_a_monitor_that_is_something_else_is_left_alone(tmp_path):
    card = SimulatedCard(tmp_path)
    assert the_problem(run(card, monitor="eth0")).reason == "in_use"


def test_forms_of_other_versions_of_iw():
    old = "\tSupported interface modes:\n\t\t * managed\n\t\t * unknown mode (11)\n\tBand 2:\n"
    old += "\t\t\t* 5860 MHz [172] (20.0 dBm) (passive scanning, no IBSS)\n\t\t\t* 5880 MHz [176] (disabled)\n"
    new = "\t\t\t* 5860.0 MHz [172] (20.0 dBm) (no IR)\n\t\t\t* 5880.0 MHz [176] (disabled)\n"
    assert modes(old)[-1] == "unknown mode (11)"
    assert channels(old) == channels(new)
    assert (channels(new)[5860].passive, channels(new)[5880].disabled) == (True, True)
    now = setting("Interface wlan0\n\ttype OCB\n\tchannel 176 (5880.0 MHz), width: 10 MHz, center1: 5880.0 MHz\n")
    assert (now.ocb, now.frequency_mhz, now.width_mhz, now.power_dbm) == (True, 5880, 10, None)
    assert (setting("command failed"), settings(""), modes(""), channels("")) == (None, [], (), {})


def test_a_card_with_a_domain_of_its_own():
    own = "phy#0 (self-managed)\ncountry DE: DFS-UNSET\n\t(5150 - 5250 @ 80), (6, 23), (N/A), NO-OUTDOOR, AUTO-BW\n"
    known = domains((RECORDED / "reg_US.txt").read_text() + own)
    assert (known["global"].country, known["phy#0"].country, known["phy#0"].self_managed) == ("US", "DE", True)
    card = channels((RECORDED / "phy_JP.txt").read_text())
    assert "keeps its own rules" in judge(5880, 10, card, known["phy#0"], "iwlwifi").mend


def test_two_domains_bound_a_card_together(tmp_path):
    """A card made for one country in a machine told of another: the rule that is in the way is told."""
    card = SimulatedCard(tmp_path, country="JP")
    own = "phy#0\ncountry 99: DFS-UNSET\n\t(5140 - 5930 @ 160), (N/A, 30), (N/A)\n"

    def run_command(words):
        code, out, err = card(words)
        return Ran(code, out + own if words == ("iw", "reg", "get") else out, err)

    row = the_problem(set_up(Machine(tmp_path, run_command), Wanted("wlan0", 5880, 10)))
    assert "no rule of country JP allows" in row.detail
    narrow = own.replace("5930", "5830")
    both = domains((RECORDED / "reg_JP.txt").read_text() + narrow)
    verdict = judge(5880, 10, channels((RECORDED / "phy_JP.txt").read_text()), both["phy#0"], "ath9k")
    assert ("driver's own domain (99)" in verdict.detail, "cannot be told another" in verdict.mend) == (True, True)


def test_rules_that_continue_each_other_cover_a_channel_together():
    text = "country US: DFS-FCC\n\t(5730 - 5850 @ 80), (N/A, 30), (N/A), AUTO-BW\n"
    text += "\t(5850 - 5895 @ 40), (N/A, 27), (N/A), NO-OUTDOOR, AUTO-BW\n"
    card = channels("\t* 5850 MHz [170] (27.0 dBm)\n")
    assert not judge(5850, 10, card, domains(text)["global"], "").refused
    apart = domains(text.replace(", AUTO-BW", ""))["global"]
    assert judge(5850, 10, card, apart, "").reason == "channel_disabled"


def test_the_kernels_ath9k_has_no_its_channels():
    verdict = judge(5880, 10, channels("\t* 5825 MHz [165] (20.0 dBm)\n"), None, "ath9k")
    assert (verdict.reason, "its last is 5825 MHz" in verdict.detail) == ("no_channel", True)


@pytest.mark.parametrize(
    ("frequency", "country", "words"),
    [(5880, "JP", "RC-005"), (5880, "DE", "EN 302 571"), (5900, "US", "C-V2X"), (5880, "00", "your country"),
     (5180, "JP", "none of 802.11p's")],
)  # fmt: skip
def test_a_word_on_licences(frequency, country, words):
    assert words in licence(frequency, country)


def test_the_kernels_words_are_one_line():
    said = fault("kernel reports: Channel is disabled\ncommand failed: Invalid argument (-22)\n")
    assert (said.words, said.number) == ("Channel is disabled Invalid argument", 22)
    assert fault("RTNETLINK answers: Device or resource busy\n").words == "Device or resource busy"
    assert fault("").words == "it does not say why"


# The command


@pytest.fixture
def asvkit(monkeypatch, capsys):
    """Runs `asvkit radio ...` on a simulated machine: (exit code, stdout lines, stderr lines)."""
    app = typer.Typer()
    app.add_typer(radio_command.app, name="radio")
    monkeypatch.setattr(cli, "app", app)

    def run_command(on, *arguments):
        monkeypatch.setattr(radio_command, "_machine", lambda: on)
        code = cli.run(["radio", *arguments])
        out, err = capsys.readouterr()
        return code, out.splitlines(), err.splitlines()

    return run_command


def test_the_command_tells_rows_and_the_next_step(asvkit, tmp_path):
    card = SimulatedCard(tmp_path)
    code, out, err = asvkit(machine(card), "setup", "wlan0", "--frequency", "5880", "--width", "10")
    assert (code, err) == (0, [])
    assert any(line.startswith("done     channel: OCB mode on 5880 MHz") for line in out)
    assert out[-1].endswith('[radio] kind = "ocb", interface = "wlan0"')
    code, out, err = asvkit(machine(card), "check", "wlan0", "--json")
    assert (code, json.loads(out[0])["good"], err) == (0, True, [])


def test_what_the_service_runs_is_a_command_of_ours(asvkit, tmp_path):
    text = (HARDWARE / "asvkit-radio@.service").read_text()
    given = re.search(r'^Environment="RADIO=(.*)"$', text, re.MULTILINE)[1]
    (command,) = re.findall(r"^ExecStart=/opt/asvkit/bin/asvkit radio (.*)$", text, re.MULTILINE)
    arguments = command.replace("$RADIO", given).replace("%i", "wlan0").split()
    card = SimulatedCard(tmp_path)
    assert asvkit(machine(card), *arguments)[0] == 0
    assert card.state["interfaces"]["wlan0"] == OCB


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["setup", "wlan9"], 2, "did you mean wlan0?; of 802.11 there are wlan0"),
        (["setup", "wlan0", "--width", "40"], 2, "--width: 40 MHz"),
        (["setup", "wlan0", "--frequency", "760"], 2, "STD-T109"),
        (["setup", "wlan0", "--frequency", "59"], 2, "in MHz, as 5880"),
        (["setup", "wlan0", "--monitor", "a/b"], 2, "--monitor"),
        (["setup", "wlan0"], 1, "CAP_NET_ADMIN: sudo asvkit radio setup wlan0 --frequency 5880 --width 10"),
        (["setup", "wlan0", "--dry-run"], 0, ""),
        (["check", "wlan0"], 1, "asvkit: wlan0 is not in OCB mode"),
        (["check", "wlan0", "--width", "7"], 2, "--width"),
        (["check", ""], 2, "no such interface"),
    ],
)
def test_the_command_ends_with_one_line(asvkit, tmp_path, arguments, code, words):
    said, _out, err = asvkit(machine(SimulatedCard(tmp_path, may=False)), *arguments)
    assert (said, len(err)) == (code, int(bool(words)))
    assert words in "".join(err)


def test_no_wireless_interface_at_all(asvkit, tmp_path):
    on = Machine(tmp_path, lambda _words: Ran(127))
    code, _out, (line,) = asvkit(on, "setup", "wlan0")
    assert (code, "none of 802.11 is here" in line) == (2, True)


@pytest.mark.long
def test_with_programs_in_the_path(asvkit, tmp_path, monkeypatch):
    """The real way to run commands: `iw` and `ip` as programs with what they print and their exit codes."""
    card = SimulatedCard(tmp_path / "root")
    (tmp_path / "card.json").write_text(json.dumps(card.state))
    tools = Path(__file__).resolve().parents[1] / "iwtools.py"
    (tmp_path / "bin").mkdir()
    for name in ("iw", "ip"):
        file = tmp_path / "bin" / name
        file.write_text(PROGRAM.format(python=sys.executable, name=name, folder=tools.parent))
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("ASVKIT_TEST_CARD", str(tmp_path))
    on = Machine(tmp_path / "root")
    assert asvkit(on, "setup", "wlan0", "--frequency", "5870")[0] == 0
    assert json.loads((tmp_path / "card.json").read_text())["interfaces"]["wlan0"]["on"] == [5870, 10]
    code, _out, (line,) = asvkit(on, "setup", "wlan0", "--frequency", "5920")
    assert (code, "no rule of country US allows 5915-5925 MHz" in line) == (1, True)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Machine().run(("no-such-program-anywhere",)).absent
