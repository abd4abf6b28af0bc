"""hardware/install.sh for real: in a Debian 12 without a network, again, changed, updated, away; its service runs."""

import json
import re
from pathlib import Path
from typing import Final

import pytest

from kittools import Box, make_wheels, need_boxes, wait_for

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("install")]
INSTALL: Final = "/mnt/kit/hardware/install.sh"
CONFIG: Final = "# a comment\ndtparam=audio=on\n[cm4]\notg_mode=1\n[all]\n"
CMDLINE: Final = "console=serial0,115200 console=tty1 root=PARTUUID=12-02 rootfstype=ext4 rootwait\n"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need_boxes()
    return make_wheels(tmp_path_factory.mktemp("kit"))


@pytest.fixture
def bare(tmp_path: Path, wheels: Path) -> Box:
    """A Pi's Debian, as far as the installer looks at it."""
    return _bare(tmp_path, wheels)


def _bare(folder: Path, wheels: Path) -> Box:
    made = Box(folder / "bare", wheels)
    boot = made.files / "boot/firmware"
    boot.mkdir(parents=True)
    (boot / "config.txt").write_text(CONFIG)
    (boot / "cmdline.txt").write_text(CMDLINE)
    return made


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> tuple[Box, str]:
    """One that it has installed on, which nobody may change; and what it said."""
    made = _bare(tmp_path_factory.mktemp("box"), wheels)
    return made, good(made, "--offline /mnt/kit --mcp2515 16")


@pytest.fixture
def box(tmp_path: Path, wheels: Path, installed: tuple[Box, str]) -> Box:
    """A layer of the test's own above that."""
    return Box(tmp_path / "box", wheels, installed[0])


def state(box: Box) -> dict[str, str]:
    """Checksums of all that an installation writes, beside the program."""
    done = box.run("find /etc /boot /usr/local/bin -newer /etc/os-release -type f -exec sha256sum {} +; id asvkit")
    assert done.returncode == 0, done.stderr
    return {line.split(maxsplit=1)[1]: line.split()[0] for line in done.stdout.splitlines()}


def good(box: Box, words: str) -> str:
    done = box.run(f"{INSTALL} {words}")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_installed(installed: tuple[Box, str]) -> None:
    box, said = installed
    assert "-- done: asvkit " in said
    assert "restart the Pi" in said
    boot = box.files / "boot/firmware"
    assert (boot / "config.txt").read_text() == f"{CONFIG}[all]\ninclude asvkit.txt\n"
    assert (boot / "cmdline.txt").read_text() == CMDLINE.removeprefix("console=serial0,115200 ")
    assert "dtoverlay=mcp2515-can0,oscillator=16000000,interrupt=25" in (boot / "asvkit.txt").read_text().splitlines()
    enabled = box.run("systemctl is-enabled asvkit systemd-networkd systemd-networkd-wait-online").stdout.split()
    assert enabled == ["enabled", "enabled", "disabled"]
    # As its user, with its parts
    done = box.run("cd /tmp && setpriv --reuid asvkit --regid asvkit --clear-groups asvkit gpio show")
    assert "leds.caution" in done.stdout, done.stderr
    assert box.run("cd /tmp && /opt/asvkit/bin/python -c 'import lgpio'").returncode == 0


def test_installed_again_changed_updated_and_taken_away(box: Box) -> None:
    first = state(box)
    said = good(box, "--offline /mnt/kit")
    assert (state(box), "restart the Pi" in said) == (first, False)
    assert not re.search(r"^-- /(etc|boot)", said, re.MULTILINE)

    box.run("echo '# mine' >> /etc/asvkit/unit.toml; echo '# mine' >> /etc/systemd/system/asvkit.service")
    box.run("echo '# older' > /etc/modules-load.d/asvkit.conf; sed -i '/modules-load/d' /etc/asvkit/installed")
    old = box.run("sha256sum < /etc/modules-load.d/asvkit.conf").stdout.split()[0]
    box.run(f"echo '{old}  /etc/modules-load.d/asvkit.conf' >> /etc/asvkit/installed")  # as of a version before
    said = good(box, "--offline /mnt/kit")
    assert "/etc/systemd/system/asvkit.service was changed: left as it is" in said
    assert "-- /etc/modules-load.d/asvkit.conf\n" in said
    assert box.run("tail -qn1 /etc/systemd/system/asvkit.service").stdout == "# mine\n"
    assert box.run("cmp /etc/systemd/system/asvkit.service.new /mnt/kit/hardware/asvkit.service").returncode == 0
    assert "usbserial" in box.run("cat /etc/modules-load.d/asvkit.conf").stdout
    # A configuration that was changed is left, and nothing new is to be told while the kit's is the same
    assert box.run("tail -qn1 /etc/asvkit/unit.toml").stdout == "# mine\n"

    said = good(box, "--uninstall")
    assert box.run("cat /boot/firmware/config.txt").stdout == CONFIG
    assert box.run("cat /boot/firmware/cmdline.txt").stdout == CMDLINE
    assert box.run("ls /boot/firmware").stdout.split() == ["cmdline.txt", "config.txt"]
    left = set(box.run("find /etc /opt /usr/local /var/lib -iname '*asvkit*'").stdout.split())
    assert left == {"/etc/asvkit", "/etc/systemd/system/asvkit.service"}
    assert "left, since it is yours: " in said
    assert box.run("cat /etc/asvkit/unit.toml").stdout.endswith("# mine\n")
    good(box, "--uninstall --purge")
    assert box.run("find /etc /opt /usr/local /var/lib -iname '*asvkit*'; getent passwd asvkit").stdout == ""


def test_what_it_cannot_do_is_one_line(bare: Box) -> None:
    for words, said in (
        ("--offline /tmp", "no asvkit-*.whl in it"),
        ("--offline /mnt/kit --kiosk", "cage chromium: not installed, and --offline brings none"),
        ("--offline /mnt/kit --boot /etc", "/etc: no config.txt there"),
    ):
        done = bare.run(f"{INSTALL} {words}")
        assert done.returncode in (1, 2)
        assert said in done.stderr, done.stderr
        assert done.stderr.count("\n") == 1
    done = bare.run(f"setpriv --reuid nobody --clear-groups {INSTALL}")
    assert (done.returncode, done.stderr) == (1, f"install.sh: takes root: sudo {INSTALL}\n")
    done = bare.run(
        f"cp -r /mnt/kit /tmp/kit && echo 'aarch64 3.13' > /tmp/kit/made-for && {INSTALL} --offline /tmp/kit"
    )
    assert (done.returncode, "is for aarch64 3.13; this is" in done.stderr) == (1, True)
    assert not (bare.files / "opt/asvkit").exists()


def test_rules_and_networks_are_understood(box: Box) -> None:
    told = box.run("udevadm test /sys/class/net/lo 2>&1").stdout
    assert "70-asvkit.rules" in told
    assert not re.search(r"asvkit[-\w]*\.rules:\d+", told), told
    told = box.run("SYSTEMD_LOG_LEVEL=debug timeout 3 /usr/lib/systemd/systemd-networkd 2>&1").stdout
    assert not re.search(r"80-asvkit-can\.network:\d+", told), told
    box.run("sed -i 's/ListenOnly=/ListenOnlie=/' /etc/systemd/network/80-asvkit-can.network")
    told = box.run("timeout 3 /usr/lib/systemd/systemd-networkd 2>&1").stdout
    assert re.search(r"80-asvkit-can\.network:\d+: Unknown key", told), told
    done = box.run("cd /etc/systemd/system && systemd-analyze verify asvkit.service asvkit-radio@its0.service")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_service_starts_warns_records_and_comes_back(box: Box) -> None:
    """The manual's first warning on the desk, by the service as it is installed."""
    with box.booted() as run:

        def told(key: str) -> str:
            return run(f"systemctl show -P {key} asvkit").stdout.strip()

        wait_for(lambda: told("ActiveState") == "active", 120)
        pid = told("MainPID")
        status = run(f"cat /proc/{pid}/status").stdout
        assert re.search(r"^NoNewPrivs:\t1$", status, re.MULTILINE)
        assert re.search(r"^Seccomp:\t2$", status, re.MULTILINE)
        assert re.search(r"^CapEff:\t0000000000003000$", status, re.MULTILINE)  # NET_ADMIN, NET_RAW
        assert run("id -u asvkit").stdout.strip() == re.findall(r"^Uid:\t(\d+)", status, re.MULTILINE)[0]
        # Its view of the files: only two folders of its own can be written
        for path, writable in (
            ("/etc/asvkit", False),
            ("/usr", False),
            ("/var/lib/asvkit", True),
            ("/run/asvkit", True),
        ):
            done = run(f"nsenter -t {pid} -m setpriv --reuid asvkit --clear-groups touch {path}/x")
            assert (done.returncode == 0) == writable, f"{path}: {done.stderr}"
        assert re.search(r"unit runs as vehicle \d+, ready after [\d.]+ s", run("journalctl -u asvkit -b").stdout)

        run("systemd-run --unit=peer /opt/asvkit/bin/asvkit peer --config /etc/asvkit/unit.toml")
        run("systemd-run --unit=watch -p StandardOutput=file:/tmp/events "
            "/opt/asvkit/bin/asvkit watch --config /etc/asvkit/unit.toml --json")  # fmt: skip

        def shown() -> list[str]:
            lines = run("cat /tmp/events").stdout.splitlines()
            return [one["level"] for one in map(json.loads, lines[:-1]) if one.get("event") == "hmi"]

        wait_for(lambda: "caution" in shown(), 120)
        assert shown().index("information") < shown().index("caution")

        run(f"kill -9 {pid}")
        wait_for(lambda: told("ActiveState") == "active" and told("MainPID") != pid, 120)
        pid = told("MainPID")
        run(f"kill -STOP {pid}")
        wait_for(lambda: told("ActiveState") == "active" and told("MainPID") != pid, 120)
        journal = run("journalctl -u asvkit -b").stdout
        assert "Watchdog timeout" in journal
        assert "pins of lamps and buzzer are off" in journal
        sessions = run("ls /var/lib/asvkit/sessions").stdout.split()
        assert len(sessions) >= 3  # each start leaves one
        assert run("systemctl stop asvkit").returncode == 0
        for mode in run("stat -c %A /var/lib/asvkit /var/lib/asvkit/sessions/*").stdout.split():
            assert mode.endswith("---"), "where somebody has been is nobody else's business"
