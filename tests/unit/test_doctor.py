"""`asvkit doctor`: the report, the exit code, the choice of checks; and what each check makes of a machine's trees."""

import io
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from asvtools import cli
from asvtools.doctor import command, plan
from asvtools.doctor.finding import ABSENT, OK, PROBLEM, SKIPPED, Finding, Job, run_command
from asvtools.doctor.side_by_side import side_by_side
from asvunit.config import Config

PAGE = Path(__file__).resolve().parents[2] / "docs" / "doctor.md"
OUTSIDE = ["gnss", "can", "radio", "gpio", "clock", "rights", "disk", "power", "loopback"]


@pytest.fixture
def asvkit(capsys, monkeypatch):
    """Runs one command line in this process: (exit code, stdout lines, stderr lines)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
        code = cli.run(list(arguments))
        out, err = capsys.readouterr()
        return code, out.splitlines(), err.splitlines()

    return run


@pytest.fixture
def few(monkeypatch):
    """The real command with checks of the test's own."""

    def use(**checks):
        monkeypatch.setattr(plan, "CHECKS", checks)

    return use


def says(*findings):
    return lambda _job: iter(findings)


def test_a_machine_without_devices_is_good(asvkit, monkeypatch):
    monkeypatch.setattr("asvtools.doctor.gnss.candidates", lambda _job: [])
    code, out, err = asvkit("doctor", "--json")
    (line,) = out
    report = json.loads(line)
    states = {check["name"]: check["state"] for check in report["checks"]}
    assert (code, report["ok"], report["config"], report["seconds"], err) == (0, True, None, 3.0, [])
    assert {states[name] for name in ("python", "package numpy", "message codec", "python-can")} == {"ok"}
    assert states.keys() >= {"micropython", "serial ports", "can interfaces", "gpio", "group dialout", "clock"}
    assert set(states.values()) <= {"ok", "absent", "problem", "skipped"}
    assert all(check["mend"] for check in report["checks"] if check["state"] in ("absent", "problem"))
    assert all(
        check.keys() == {"check", "name", "state", "detail", "mend", "needed", "found"} for check in report["checks"]
    )


def test_only_what_the_offline_commands_need_fails_without_a_configuration(asvkit, few):
    def broken(_job):
        raise OSError("no such luck")

    few(codec=says(Finding("message codec", OK, "good", "", True)), gpio=broken)
    code, out, err = asvkit("doctor")
    assert (code, err) == (0, [])
    assert "problem  gpio: OSError: no such luck" in out
    few(codec=broken, gpio=broken)
    code, out, err = asvkit("doctor")
    assert code == 1
    assert err == ["asvkit: the offline commands cannot work here: codec"]


def test_with_a_configuration_its_parts_fail_it(asvkit, few, tmp_path):
    file = tmp_path / "unit.toml"
    file.write_text("")
    few(
        gnss=says(Finding("gnss port", PROBLEM, "not there", "plug it in", True)),
        can=says(Finding("can", ABSENT, "none configured", "set it")),
        clock=says(Finding("clock source", PROBLEM, "wrong", "mend it")),
    )
    code, out, err = asvkit("doctor", "--config", str(file), "--json")
    assert (code, json.loads(out[0])["ok"], json.loads(out[0])["config"]) == (1, False, str(file))
    assert err == ["asvkit: this unit cannot work as configured: gnss port"]


def test_a_unit_that_can_run_is_told_so(asvkit, few, tmp_path):
    file = tmp_path / "unit.toml"
    file.write_text("")
    few(gnss=says(Finding("gnss fix", OK, "3D", "", True)))
    assert asvkit("doctor", "--config", str(file))[:2] == (
        0, ["ok       gnss fix: 3D", f"{file}: what was tried of this unit works"],
    )  # fmt: skip
    few(clock=says(Finding("clock battery", PROBLEM, "forgot", "its battery")))
    assert asvkit("doctor", "--config", str(file))[1][-1].endswith("works; 1 problem above that does not stop it")


def test_a_configuration_that_is_wrong_is_wrong_usage(asvkit, tmp_path):
    file = tmp_path / "unit.toml"
    file.write_text("[gnss]\nprot = 1\n")
    code, out, err = asvkit("doctor", "--config", str(file))
    assert (code, out, len(err)) == (2, [], 1)
    assert "gnss.prot" in err[0]


def test_only_the_checks_asked_for(asvkit, few):
    few(gnss=says(Finding("gnss", OK, "1")), can=says(Finding("can", OK, "2")), clock=says(Finding("clock", OK, "3")))
    assert asvkit("doctor", "--only", "can,gnss")[1] == ["ok       gnss: 1", "ok       can: 2"]
    assert asvkit("doctor", "--only", "clock", "--only", "can")[1] == ["ok       can: 2", "ok       clock: 3"]
    code, _out, err = asvkit("doctor", "--only", "gns")
    assert code == 2
    assert "did you mean gnss" in err[0]


@pytest.mark.long
@pytest.mark.parametrize(
    "package",
    ["can", "gpiozero", *(pytest.param(n, marks=pytest.mark.long) for n in ("cantools", "pynmea2", "serial", "numpy"))],
)
def test_where_a_package_is_broken_the_rest_still_tells(package):
    script = f"import sys; sys.modules[{package!r}] = None; from asvtools import cli; sys.exit(cli.run(sys.argv[1:]))"
    only = "python,packages,codec,data,can,clock,disk"
    done = subprocess.run(
        [sys.executable, "-c", script, "doctor", "--json", "--only", only],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert checks.keys() >= {"python", "clock", "free disk"}
    assert ("Traceback" in done.stderr, len(done.stderr.splitlines()) <= 1) == (False, True)
    if package == "can":
        assert (done.returncode, checks["python-can"]["state"]) == (1, "problem")


def test_lines_keep_within_the_width_and_commands_whole():
    long = "`sudo ip link set can0 up type can bitrate 500000 listen-only on`"
    finding = Finding(
        "can link", PROBLEM, "can0 is down " * 12, f"the interface has to be brought up first: {long}", True
    )
    told = command.lines(finding, 80)
    assert told[0].startswith("problem  can link: can0 is down")
    assert all(len(line) <= 80 for line in told)
    assert any(long in line for line in told)
    assert " ".join(" ".join(told).split()).count("can0 is down") == 12


def test_packages_are_one_line_and_missing_ones_another(asvkit, few):
    few(
        packages=says(
            Finding("package a", OK, "1", "", True),
            Finding("package b", PROBLEM, "not installed", "`pip install b`", True),
            Finding("package c", OK, "1", "", True),
        ),
        data=says(Finding("data dbc", OK, "there", "", True)),
    )
    _code, out, _err = asvkit("doctor")
    assert out == [
        "problem  package b: not installed",
        "         -> `pip install b`",
        "ok       packages: 2 are there",
        "ok       data dbc: there",
    ]


def test_a_check_that_never_ends_is_a_finding(monkeypatch):
    gate = threading.Event()

    def hangs(_job):
        gate.wait()
        return iter(())

    monkeypatch.setattr(plan, "_MARGIN_S", 0.05)
    checks = {"radio": hangs, "clock": says(Finding("clock", OK, "12:00"))}
    found = list(plan.run_checks(Job(0.01, Config()), list(checks), checks))
    gate.set()
    assert [(name, each.state) for name, each in found] == [("radio", PROBLEM), ("clock", OK)]
    assert "not ended" in found[0][1].detail
    assert found[0][1].fails


def test_checks_run_side_by_side():
    met = threading.Barrier(3, timeout=20)

    def meets(_job):
        met.wait()
        yield Finding("met", OK, "all at once")

    names = ["gnss", "can", "radio"]
    found = list(plan.run_checks(Job(1), names, dict.fromkeys(names, meets)))
    assert [each.state for _name, each in found] == [OK] * 3


def test_a_file_that_the_configuration_names_fails_the_unit(asvkit, tmp_path):
    (tmp_path / "pins.toml").write_text("version = 1\n")
    file = tmp_path / "unit.toml"
    file.write_text('[hmi]\ngpio = "mock"\npins = "pins.toml"\n')
    code, out, err = asvkit("doctor", "--config", str(file), "--only", "gpio,self-test", "--json")
    checks = json.loads(out[0])["checks"]
    assert (code, err) == (1, ["asvkit: this unit cannot work as configured: gpio, self-test"])
    assert all("pins.toml" in each["detail"] for each in checks)


def test_several_at_once_keep_their_order_and_their_errors():
    met = threading.Barrier(3, timeout=20)

    def doubled(number):
        met.wait()
        if number == 2:
            raise ValueError("two")
        return [number, number]

    results = side_by_side(doubled, [0, 1, 2])
    assert [next(results) for _ in range(4)] == [0, 0, 1, 1]
    with pytest.raises(ValueError, match="two"):
        next(results)


def test_system_commands_never_raise():
    assert run_command(["/no/such/program"]) is None
    assert run_command(["false"]) is None
    assert run_command(["echo", "here"]) == "here\n"


def test_job_reads_a_tree(tmp_path):
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/ttyAMA0").touch()
    (tmp_path / "dev/serial0").symlink_to("ttyAMA0")
    (tmp_path / "proc/device-tree").mkdir(parents=True)
    (tmp_path / "proc/device-tree/model").write_bytes(b"Raspberry Pi 4 Model B Rev 1.4\0")
    job = Job(root=tmp_path)
    assert job.real("/dev/serial0") == "/dev/ttyAMA0"
    assert (job.model, job.is_pi) == ("Raspberry Pi 4 Model B Rev 1.4", True)
    assert job.glob("/dev/tty*") == [Path("/dev/ttyAMA0")]
    assert job.read("/no/such") == ""
    assert not Job(root=tmp_path / "dev").is_pi


def test_every_check_survives_an_empty_machine(tmp_path, monkeypatch):
    """No /proc, no /sys, no commands: findings, and no failing check."""
    monkeypatch.chdir(tmp_path)
    for config in (None, Config()):
        job = Job(0.01, config, root=tmp_path / "none", run=lambda _words: None)
        found = list(plan.run_checks(job, OUTSIDE, plan.CHECKS))
        assert {name for name, _each in found} >= {"gnss", "can", "clock", "disk"}
        assert not [each for _name, each in found if "check itself failed" in each.mend]
        assert not [each for _name, each in found if each.state not in (OK, ABSENT, PROBLEM, SKIPPED)]
        assert not [each.name for _name, each in found if each.fails]
        page = PAGE.read_text(encoding="utf-8")
        assert not [key for _name, each in found for key in each.found if f"`{key}`" not in page]


def test_the_process_itself_uses_nothing(tmp_path):
    (tmp_path / f"proc/{os.getpid()}/fd").mkdir(parents=True)
    (tmp_path / f"proc/{os.getpid()}/comm").write_text("me\n")
    assert list(Job(root=tmp_path).processes()) == []


def test_the_page_names_every_check_and_key():
    page = PAGE.read_text(encoding="utf-8")
    table = page[page.index("## The checks") : page.index("## As JSON")]
    named = {name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(.+?)`", row)}
    assert named == set(plan.CHECKS)
    form = page[page.index("## As JSON") : page.index("## The clock")]
    assert all(f"`{key}`" in form for key in ("check", "name", "state", "detail", "mend", "needed", "found"))
