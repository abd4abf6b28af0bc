"""An interface and its card as this machine shows them: sysfs, `iw`, and which program holds the interface."""

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from asvtools.radio_iw import Channel, Domain, Setting, channels, domains, modes, setting, settings

_COMMAND_S: Final = 10.0
_NOT_THERE: Final = 127
_ADMIN: Final = 12  # CAP_NET_ADMIN
_SUPPLICANTS: Final = ("wpa_supplicant", "hostapd", "iwd", "connmand")
_SOCKETS: Final = {"wpa_supplicant": "/run/wpa_supplicant", "hostapd": "/run/hostapd"}
_EAPOL: Final = ("888e", "890d")  # of a supplicant's packet sockets
_UNMANAGED: Final = ("10 ", "20 ")  # NetworkManager's states: unmanaged, unavailable


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command of the system did."""

    code: int
    out: str = ""
    err: str = ""

    @property
    def absent(self) -> bool:
        """The command is not installed."""
        return self.code == _NOT_THERE


Run = Callable[[Sequence[str]], Ran]


def run(words: Sequence[str]) -> Ran:
    """Runs a command of the system, in plain English, for 10 s at most."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"  # a plain user's has no sbin, where iw is
    try:
        done = subprocess.run(  # noqa: S603
            list(words), capture_output=True, text=True, timeout=_COMMAND_S, check=False, errors="replace",
            stdin=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C", "PATH": path},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Ran(1, "", f"`{words[0]}` has not answered for {_COMMAND_S:g} s")
    except OSError:
        return Ran(_NOT_THERE, "", f"`{words[0]}` is not installed")
    return Ran(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True, slots=True)
class Machine:
    """Where the system's files are read and its commands run. Both are replaced in tests."""

    root: Path = Path("/")
    run: Run = run

    def read(self, path: str) -> str:
        """The text of a small file of the system; "" where there is none to read."""
        try:
            return (self.root / path.lstrip("/")).read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            return ""

    def write(self, path: str, text: str) -> str:
        """Into a file of the kernel's; "" or why not."""
        try:
            (self.root / path.lstrip("/")).write_text(text)
        except OSError as error:
            return error.strerror or str(error)
        return ""

    def glob(self, pattern: str) -> list[str]:
        return sorted(f"/{path.relative_to(self.root)}" for path in self.root.glob(pattern.lstrip("/")))

    def link(self, path: str) -> str:
        """The last part of what a link leads to; "" where there is none."""
        try:
            return os.path.basename(os.readlink(self.root / path.lstrip("/")))
        except OSError:
            return ""

    def interfaces(self) -> list[str]:
        return [path.rpartition("/")[2] for path in self.glob("/sys/class/net/*")]

    def wireless(self) -> list[str]:
        return [path.split("/")[4] for path in self.glob("/sys/class/net/*/phy80211")]

    @property
    def may_change(self) -> bool:
        """Whether interfaces may be changed: CAP_NET_ADMIN."""
        for line in self.read("/proc/self/status").splitlines():
            if line.startswith("CapEff:"):
                return bool(int(line.split()[1], 16) >> _ADMIN & 1)
        return os.geteuid() == 0


@dataclass(frozen=True, slots=True)
class Card:
    """One interface, and the card it belongs to."""

    name: str
    phy: str  # "phy0"; "": no 802.11 interface
    driver: str
    modes: tuple[str, ...] = ()
    channels: tuple[Channel, ...] = ()
    domains: tuple[Domain, ...] = ()  # the card's own first, if it has one; then the machine's, unless it minds none
    setting: Setting | None = None
    others: tuple[Setting, ...] = ()  # further interfaces of the same card

    @property
    def country(self) -> str:
        """Of the domain that bounds the card; "00": none is set."""
        return next((domain.country for domain in self.domains if domain.is_country), "00")

    @property
    def does_ocb(self) -> bool:
        from asvtools.radio_iw import OCB_WORDS

        return any(mode in OCB_WORDS for mode in self.modes)


def look(machine: Machine, name: str) -> Card:
    """The interface as it is now. What iw does not tell is left empty."""
    base = f"/sys/class/net/{name}"
    phy = machine.read(f"{base}/phy80211/name")
    driver = machine.link(f"{base}/device/driver")
    if not phy:
        return Card(name, "", driver)
    info = machine.run(("iw", "phy", phy, "info")).out
    known = domains(machine.run(("iw", "reg", "get")).out)
    number = machine.read(f"{base}/phy80211/index")
    own, machines = known.get(f"phy#{number}"), known.get("global")
    bounds = tuple(each for each in (own, None if own and own.self_managed else machines) if each)
    together = settings(machine.run(("iw", "dev")).out)
    others = tuple(each for each in together if str(each.phy) == number and each.name != name)
    return Card(
        name, phy, driver, modes(info), tuple(channels(info).values()), bounds, setting_of(machine, name), others
    )


def setting_of(machine: Machine, name: str) -> Setting | None:
    """What the interface is set to now; None where iw does not tell."""
    return setting(machine.run(("iw", "dev", name, "info")).out)


def is_up(machine: Machine, name: str) -> bool:
    """Whether the interface is up, by its flags (IFF_UP)."""
    flags = machine.read(f"/sys/class/net/{name}/flags")
    try:
        return bool(int(flags, 16) & 1)
    except ValueError:
        return False


def ipv6_switch(name: str) -> str:
    """The kernel's file that turns IPv6 on an interface off; it reads "0" while it is on."""
    return f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6"


def blocked(machine: Machine, card: Card) -> str:
    """ "soft", "hard" or "": whether a switch keeps the card's transmitter off."""
    for path in machine.glob(f"/sys/class/net/{card.name}/phy80211/rfkill*"):
        for kind in ("hard", "soft"):
            if machine.read(f"{path}/{kind}") == "1":
                return kind
    return ""


def holder(machine: Machine, name: str) -> tuple[str, str]:
    """Which program holds the interface, and how to make it let go; "" and "": none is seen."""
    state = machine.run(("nmcli", "-g", "GENERAL.STATE", "device", "show", name))
    if state.code == 0 and state.out.strip() and not state.out.startswith(_UNMANAGED):
        return "NetworkManager", f"`sudo nmcli device set {name} managed no`; docs/radio.md tells how to keep it so"
    for number, program, words in _processes(machine):
        if program in _SUPPLICANTS and {name, f"-i{name}"} & set(words.split()):
            return f"{program} (process {number})", f"end it: `sudo systemctl stop {program}@{name}`, or its process"
    for program, folder in _SOCKETS.items():
        if machine.glob(f"{folder}/{name}"):
            return program, f"`sudo systemctl disable --now {program}`, or take {name} out of its configuration"
    index = machine.read(f"/sys/class/net/{name}/ifindex")
    for line in machine.read("/proc/net/packet").splitlines()[1:]:
        words_of = line.split()
        if len(words_of) > 4 and words_of[3] in _EAPOL and words_of[4] == index:
            return "a supplicant (its packet socket)", f"`sudo ss -0p | grep {name}` tells which program; end it"
    return "", ""


def _processes(machine: Machine) -> Iterator[tuple[str, str, str]]:
    for path in machine.glob("/proc/[0-9]*"):
        program = machine.read(f"{path}/comm")
        if program:
            yield path.rpartition("/")[2], program, machine.read(f"{path}/cmdline")
