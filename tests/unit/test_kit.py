"""hardware/: services, rules, boot lines and scripts say what the unit, its pins and each other say."""

import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from asvtools.cli import run
from asvtools.gpio_wiring import HEADER
from asvunit.config import Config, load_config
from asvunit.pins import load_pins
from asvunit.toml_file import faults

ROOT: Final = Path(__file__).resolve().parents[2]
HARDWARE: Final = ROOT / "hardware"
SERVICES: Final = ("asvkit.service", "asvkit-radio@.service", "asvkit-kiosk.service")
SCRIPTS: Final = ("install.sh", "wheels.sh")
PATH: Final = {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8"}


def keys(name: str, section: str = "Service") -> dict[str, list[str]]:
    """Keys of a section of a service with all their values."""
    found: dict[str, list[str]] = {}
    now = ""
    text = (HARDWARE / name).read_text(encoding="utf-8").replace("\\\n", "")
    for line in text.splitlines():
        if line.startswith("["):
            now = line.strip("[]")
        elif now == section and line[:1] not in ("", "#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def ini(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=True, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(HARDWARE / name, encoding="utf-8")
    return parser


def script(name: str, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", str(HARDWARE / name), *words], capture_output=True, text=True, check=False, env=PATH, timeout=60
    )


# Services


def verifiable(folder: Path, name: str) -> Path:
    """The service where its programs are not installed: what it starts is /bin/true."""
    text = (HARDWARE / name).read_text(encoding="utf-8")
    text = re.sub(r"/(opt/asvkit/bin/asvkit|usr/sbin/iw|usr/bin/cage)\b", "/bin/true", text)
    path = folder / name.replace("@.", "@its0.")
    path.write_text(text)
    return path


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze: the package systemd")
@pytest.mark.parametrize("name", SERVICES)
def test_systemd_finds_nothing_wrong(tmp_path: Path, name: str) -> None:
    path = verifiable(tmp_path, name)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert path.name not in done.stderr, done.stderr
    wrong = tmp_path / "wrong.service"
    wrong.write_text(path.read_text().replace("[Service]", "[Service]\nProtectSistem=strict"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(wrong)], capture_output=True, text=True, check=False, timeout=60
    )
    assert "ProtectSistem" in done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze: the package systemd")
def test_the_unit_is_hardly_exposed(tmp_path: Path) -> None:
    """0 is the best, 10 the worst; a service without a word about it has 9.6. What is left: network, devices, clock."""
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=27"]
    done = subprocess.run(
        [*command, str(verifiable(tmp_path, "asvkit.service"))], capture_output=True, text=True, check=False, timeout=60
    )
    if "nrecognized option" in done.stderr:
        pytest.skip("needs systemd 250 or newer")
    assert done.returncode == 0, done.stdout[-200:]


def test_the_service_has_what_the_unit_needs_and_no_more() -> None:
    told = {key: values[-1] for key, values in keys("asvkit.service").items()}
    assert (told["Type"], told["Restart"], told["User"]) == ("notify", "always", "asvkit")
    assert float(told["RestartSec"]) <= 1
    assert 1 <= float(told["WatchdogSec"]) <= 10
    for key in ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "ProtectClock", "MemoryDenyWriteExecute"):
        assert told[key] == "yes", key
    assert told["ProtectSystem"] == "strict"
    assert set(told["CapabilityBoundingSet"].split()) == {"CAP_NET_RAW", "CAP_NET_ADMIN"}
    assert told["CapabilityBoundingSet"] == told["AmbientCapabilities"]
    families = set(told["RestrictAddressFamilies"].split())
    assert families == {"AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_CAN"}
    assert "PrivateDevices" not in told  # which would take the pins away
    assert "ProcSubset" not in told  # gpiozero asks /proc which Raspberry Pi it is


def test_devices_that_may_be_opened_have_drivers_that_are_loaded() -> None:
    """systemd looks a driver's name up when the unit starts: of one that is loaded later nothing may be opened."""
    service = keys("asvkit.service")
    allowed = {value.split()[0].removeprefix("char-") for value in service["DeviceAllow"]}
    built_in = {"gpiochip", "ttyAMA", "ttyS"}
    by_module = {"usbserial": "ttyUSB", "cdc_acm": "ttyACM"}
    lines = (HARDWARE / "system/modules-load.conf").read_text(encoding="utf-8").splitlines()
    loaded = {by_module[line] for line in lines if line and not line.startswith("#")}
    assert allowed == built_in | loaded
    assert all(value.split()[1] == "rw" for value in service["DeviceAllow"])


def test_the_kits_configuration_fits_its_services() -> None:
    path = HARDWARE / "unit.toml"
    found = [fault for fault in faults(path, Config) if not fault.startswith("events.socket")]
    assert found == []
    config = load_config(path)
    service = {key: values[-1] for key, values in keys("asvkit.service").items()}
    assert config.events.socket is not None
    assert Path(config.events.socket).parent == Path("/run") / service["RuntimeDirectory"]
    assert config.record.folder is not None
    assert Path(config.record.folder).parent == Path("/var/lib") / service["StateDirectory"]
    assert service["WorkingDirectory"] == f"/var/lib/{service['StateDirectory']}"
    assert config.record.keep_days <= 7  # where somebody has been
    (kiosk,) = keys("asvkit-kiosk.service")["ExecStart"]
    assert f"--app=http://{config.screen.address}:{config.screen.port}/" in kiosk
    assert config.radio.kind == "udp"
    assert config.radio.address == Config().radio.address  # nothing leaves the machine before its owner says so
    channel = ini("system/80-asvkit-can.network")["Match"]["Name"]
    assert config.can.channel.startswith(channel.rstrip("*"))


def test_the_lines_that_are_commented_out_can_be_taken_in(tmp_path: Path) -> None:
    text = (HARDWARE / "unit.toml").read_text(encoding="utf-8")
    in_a_car = re.sub(r"^# (port|interface|address) =", r"\1 =", text, flags=re.MULTILINE)
    assert in_a_car.count("\n# ") < text.count("\n# ") - 1
    in_a_car = re.sub(r"^(simulate|scenario) = .*\n", "", in_a_car, flags=re.MULTILINE)
    path = tmp_path / "unit.toml"
    path.write_text(in_a_car.replace("/run/asvkit", str(tmp_path)))
    config = load_config(path)
    assert (config.gnss.port, config.can.interface) == ("/dev/ttyAMA0", "socketcan")
    assert config.radio.address == "255.255.255.255"
    assert faults(path, Config) == []


def test_the_bus_is_only_listened_to() -> None:
    told = ini("system/80-asvkit-can.network")
    assert told["CAN"]["ListenOnly"] == "yes"
    assert told["CAN"]["RestartSec"] == "100ms"
    assert told["Link"]["RequiredForOnline"] == "no"


def test_the_watchdog_is_one_that_a_pi_can_keep() -> None:
    assert int(ini("system/watchdog.conf")["Manager"]["RuntimeWatchdogSec"]) < 15
    assert "dtparam=watchdog=on" in (HARDWARE / "boot/asvkit.txt").read_text(encoding="utf-8").splitlines()


# Boot


def test_boot_lines_agree_with_the_pins() -> None:
    pins = load_pins(None)
    text = (HARDWARE / "boot/asvkit.txt").read_text(encoding="utf-8")
    (dark,) = re.findall(r"^gpio=([\d,]+)=ip,pd$", text, re.MULTILINE)
    pulled_up = {pin for pin in [*pins.lamps.values(), pins.buzzer.pwm] if pin <= 8}
    assert {int(pin) for pin in dark.split(",")} == pulled_up
    (interrupt,) = re.findall(r"mcp2515-can0,oscillator=\d+,interrupt=(\d+)$", text, re.MULTILINE)
    assert {7, 8, 9, 10, 11, int(interrupt)} <= set(pins.reserved["spi_can"])
    assert pins.reserved["uart"] == [14, 15]
    sections = re.findall(r"^\[(.*)\]$", text, re.MULTILINE)
    assert sections[0] == sections[-1] == "all"  # whatever stood before it, and whatever comes after


RULE: Final = re.compile(r'(\w+(?:\{[\w/]+\})?)(==|!=|=|\+=)"([^"]*)"')


@pytest.mark.parametrize("name", ["70-asvkit.rules", "70-asvkit-radio.rules"])
def test_rules_of_udev_are_rules(name: str) -> None:
    lines = (HARDWARE / name).read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules
    for line in rules:
        parts = line.split(", ")
        found = [RULE.fullmatch(part) for part in parts]
        assert all(found), line
        operators = [one[2] for one in found if one]
        assert {"==", "!="} & set(operators), f"would match everything: {line}"
        assert {"=", "+="} & set(operators), f"does nothing: {line}"
        assert operators == sorted(operators, key=lambda one: one in ("=", "+=")), line


# Scripts


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="needs shellcheck: the package shellcheck")
def test_shellcheck_finds_nothing() -> None:
    done = subprocess.run(
        ["shellcheck", *(str(HARDWARE / name) for name in SCRIPTS)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_ready_to_run(name: str) -> None:
    assert os.access(HARDWARE / name, os.X_OK)
    done = script(name, "--help")
    assert (done.returncode, done.stdout.startswith("usage: ")) == (0, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--ofline", "x"), "--ofline: no such option"),
        (("--mcp2515", ""), "--mcp2515 takes a value"),
        (("--mcp2515", "20"), "give the crystal's MHz, 8, 12 or 16"),
        (("--offline", "/nowhere"), "no such folder; hardware/wheels.sh makes one"),
        (("--purge",), "--purge goes with --uninstall"),
    ],
)
def test_wrong_usage_is_one_line(words: tuple[str, ...], said: str) -> None:
    done = script("install.sh", *words, "--dry-run")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "name the folder to make"),
        (("--machine", "armv7l", "x"), "aarch64 or x86_64"),
        (("--python", "4", "x"), "as 3.11"),
        (("-x",), "no such option"),
    ],
)
def test_wrong_usage_of_the_other_is_one_line_too(words: tuple[str, ...], said: str) -> None:
    done = script("wheels.sh", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def boot_folder(folder: Path) -> Path:
    (folder / "config.txt").write_text("dtparam=audio=on\n[pi5]\nfan=1\n")
    (folder / "cmdline.txt").write_text("console=serial0,115200 console=tty1 root=PARTUUID=1 rootwait\n")
    return folder


def test_a_dry_run_says_each_step_and_does_none(tmp_path: Path) -> None:
    boot = boot_folder(tmp_path)
    before = {path.name: path.read_bytes() for path in boot.iterdir()}
    done = script("install.sh", "--dry-run", "--boot", str(boot), "--mcp2515", "8", "--udp")
    assert (done.returncode, done.stderr) == (0, "")
    for name in (*SERVICES[:2], "80-asvkit-can.network", "70-asvkit.rules", "70-asvkit-radio.rules", "unit.toml"):
        assert re.search(rf"would run: install .*/{name} /etc/", done.stdout), name
    for words in (
        "systemctl enable -q asvkit",
        "10-udp.conf",
        "useradd --system",
        "/config.txt (as it was",
        "/cmdline.txt (as it was",
    ):
        assert words in done.stdout, words
    assert done.stdout.endswith("-- nothing was done\n")
    assert {path.name: path.read_bytes() for path in boot.iterdir()} == before


def test_an_uninstall_of_nothing_does_nothing(tmp_path: Path) -> None:
    boot = boot_folder(tmp_path)
    done = script("install.sh", "--uninstall", "--dry-run", "--boot", str(boot))
    assert (done.returncode, done.stderr) == (0, "")
    assert str(boot) not in done.stdout
    assert "would run: rm" not in done.stdout or Path("/opt/asvkit").exists()
    assert (boot / "cmdline.txt").read_text().startswith("console=serial0,115200 ")


def test_every_file_of_the_kit_is_installed_or_told_of() -> None:
    """A file that is neither would be forgotten on a Pi."""
    installer = (HARDWARE / "install.sh").read_text(encoding="utf-8")
    page = (HARDWARE / "README.md").read_text(encoding="utf-8")
    for path in (*HARDWARE.glob("*"), *(HARDWARE / "system").glob("*"), *(HARDWARE / "boot").glob("*")):
        name = path.relative_to(HARDWARE).as_posix()
        if path.is_file() and name != "README.md":
            assert f"({name})" in page, f"hardware/README.md does not name {name}"
        if path.suffix in (".service", ".rules", ".network", ".conf") or name == "boot/asvkit.txt":
            assert f"$here/{name}" in installer, name


# Pages


PAGES: Final = (
    "docs/manual.md",
    "docs/law-and-safety.md",
    "hardware/README.md",
    "hardware/parts.md",
    "hardware/boot/README.md",
)


def anchors(text: str) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("name", PAGES)
def test_links_of_the_pages_lead_somewhere(name: str) -> None:
    page = ROOT / name
    links = re.findall(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert links
    for path, anchor in links:
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name}: {path}"
        if anchor:
            assert anchor[1:] in anchors(target.read_text(encoding="utf-8")), f"{name}: {path}{anchor}"


@pytest.mark.parametrize("name", PAGES)
def test_commands_of_the_pages_are_commands(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each `asvkit ...` of a page's code with its options, by the command's --help."""
    text = (ROOT / name).read_text(encoding="utf-8")
    code = re.findall(r"`([^`\n]+)`", text) + [line for line in text.splitlines() if line.startswith("    ")]
    tried = 0
    for line in code:
        found = re.search(r"(?:^|[ /])asvkit ((?:[a-z]+ )*[a-z]+)(?= |$)(.*)", line.partition(" #")[0])
        if not found or re.search(r"(systemctl|journalctl|mkfs|usermod|chown|root=|-[Gu]) .*asvkit", line):
            continue
        words = found[1].split()
        while words and run([*words, "--help"]) != 0:
            words.pop()
            capsys.readouterr()
        told = capsys.readouterr().out
        assert words, f"{name}: {line.strip()}"
        for option in re.findall(r" (--[\w-]+)", found[2]):
            assert option in told, f"{name}: {line.strip()}"
        tried += 1
    assert tried or "asvkit " not in "\n".join(code) or name.endswith(("parts.md", "boot/README.md"))


@pytest.mark.parametrize("name", PAGES)
def test_options_of_install_in_the_pages_are_its_own(name: str) -> None:
    told = script("install.sh", "--help").stdout + script("wheels.sh", "--help").stdout
    for option in re.findall(r"(?:install|wheels)\.sh[^\n`]*", (ROOT / name).read_text(encoding="utf-8")):
        for word in re.findall(r" (--[\w-]+)", option):
            assert f"{word} " in told.replace("\n", " "), f"{name}: {option}"


def test_the_parts_list_has_every_part_of_the_drawing() -> None:
    page = (HARDWARE / "parts.md").read_text(encoding="utf-8")
    for part in ("ULN2803A", "BC547", "1N4148", "10 kΩ", "1 kΩ", "470 Ω", "270 Ω", "MCP2515", "violet"):
        assert part in page, part
    assert len(HEADER) == 28
