"""What `iw` prints, read: modes and channels of a card, the regulatory domain, what an interface is set to.

The words differ between versions of iw (3.18 to 6): "passive scan" and "PASSIVE-SCAN" have become "no IR", frequencies
have got a decimal, the mode has had a name only since 2014. Lines of no known form are passed over.
"""

import re
from dataclasses import dataclass
from typing import Final

OCB_WORDS: Final = ("outside context of a BSS", "OCB", "ocb", "unknown mode (11)")

_NO_COUNTRIES: Final = {
    "00": "the world's domain (00)",
    "98": "the domain of several countries together (98)",
    "99": "the driver's own domain (99)",
}
_CHANNEL: Final = re.compile(r"^\s*\* (\d+)(?:\.\d+)? MHz(?: \[(\d+)\])?(.*)$", re.MULTILINE)
_DBM: Final = re.compile(r"\((-?[\d.]+) dBm\)")
_MODES: Final = re.compile(r"Supported interface modes:\n((?:\s+\* .*\n?)*)")
_RULE: Final = re.compile(r"^\s*\((\d+) - (\d+) @ (\d+)\), \((?:N/A|[\d.]+), ([\d.]+|N/A)\)(.*)$")
_COUNTRY: Final = re.compile(r"^country (\w\w):")
_FAILED: Final = re.compile(r"command failed: (.*) \(-(\d+)\)")
_ON: Final = re.compile(r"channel (\d+) \((\d+)(?:\.\d+)? MHz\)(?:, width: (\d+) MHz)?")


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of a card, as its driver and the regulatory domain together leave it."""

    frequency_mhz: int
    number: int | None
    disabled: bool
    passive: bool  # no IR: no station may be the first to send there
    radar: bool
    power_dbm: float | None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a regulatory domain."""

    low_mhz: int
    high_mhz: int
    width_mhz: int
    power_dbm: float | None
    flags: tuple[str, ...]

    def __str__(self) -> str:
        flags = f" ({', '.join(self.flags)})" if self.flags else ""
        return f"{self.low_mhz}-{self.high_mhz} MHz{flags}"


@dataclass(frozen=True, slots=True)
class Domain:
    """A regulatory domain: the machine's ("global"), or that of one card ("phy#0")."""

    whose: str
    country: str  # "00": the world's, as long as none is set
    self_managed: bool
    rules: tuple[Rule, ...]

    @property
    def name(self) -> str:
        return _NO_COUNTRIES.get(self.country, f"country {self.country}")

    @property
    def is_country(self) -> bool:
        return self.country not in _NO_COUNTRIES


@dataclass(frozen=True, slots=True)
class Setting:
    """An interface: its mode and, where it is on a channel, which."""

    name: str
    mode: str = ""
    phy: int | None = None
    frequency_mhz: int | None = None
    width_mhz: int | None = None
    power_dbm: float | None = None

    @property
    def ocb(self) -> bool:
        return self.mode in OCB_WORDS


@dataclass(frozen=True, slots=True)
class Fault:
    """Why iw or ip did not do it: the kernel's words, and its number where iw tells it."""

    words: str
    number: int = 0


def modes(phy_info: str) -> tuple[str, ...]:
    """Modes of a card, of `iw phy NAME info`; empty where there is no such list."""
    found = _MODES.search(phy_info)
    return tuple(line.strip().removeprefix("* ") for line in found[1].splitlines()) if found else ()


def channels(phy_info: str) -> dict[int, Channel]:
    """Channels of a card by frequency in MHz, of `iw phy NAME info`."""
    found = {}
    for frequency, number, rest in _CHANNEL.findall(phy_info):
        words = rest.lower()
        power = _DBM.search(rest)
        found[int(frequency)] = Channel(
            int(frequency), int(number) if number else None, "disabled" in words,
            any(word in words for word in ("no ir", "passive", "no ibss")), "radar" in words,
            float(power[1]) if power else None,
        )  # fmt: skip
    return found


def domains(reg_get: str) -> dict[str, Domain]:
    """The regulatory domains, by whose they are, of `iw reg get`."""
    found: dict[str, Domain] = {}
    whose, managed, country = "global", False, ""
    rules: list[Rule] = []

    def keep() -> None:
        if country:
            found[whose] = Domain(whose, country, managed, tuple(rules))

    for line in reg_get.splitlines():
        if line.startswith(("global", "phy#")):
            keep()
            whose, managed, country, rules = line.split()[0], "self-managed" in line, "", []
        elif (named := _COUNTRY.match(line)) is not None:
            country = named[1]
        elif (rule := _RULE.match(line)) is not None:
            flags = tuple(part.strip() for part in rule[5].split(",") if part.strip() and "(" not in part)
            power = None if rule[4] == "N/A" else float(rule[4])
            rules.append(Rule(int(rule[1]), int(rule[2]), int(rule[3]), power, flags))
    keep()
    return found


def setting(dev_info: str) -> Setting | None:
    """An interface, of `iw dev NAME info`; None where it is none of iw's."""
    found = settings(dev_info)
    return found[0] if found else None


def settings(dev: str) -> list[Setting]:
    """All interfaces with their cards, of `iw dev` or `iw dev NAME info`; those without a name as ""."""
    found: list[dict[str, str]] = []
    phy = ""
    for line in dev.splitlines():
        words = line.strip()
        if words.startswith("phy#"):
            phy = words[4:]
        elif words.startswith(("Interface ", "Unnamed")):
            found.append({"name": words.removeprefix("Interface ") if words[0] == "I" else "", "phy": phy})
        elif found:
            key, _, value = words.partition(" ")
            found[-1].setdefault(key, value)
    return [_setting(one) for one in found]


def _setting(keys: dict[str, str]) -> Setting:
    channel = _ON.match(f"channel {keys.get('channel', '')}")
    phy = keys.get("wiphy") or keys["phy"]
    power = keys.get("txpower", "").split(" ")[0]
    return Setting(
        keys["name"],
        keys.get("type", ""),
        int(phy) if phy.isdecimal() else None,
        int(channel[2]) if channel else None,
        int(channel[3]) if channel and channel[3] else None,
        float(power) if power.replace(".", "", 1).removeprefix("-").isdecimal() else None,
    )


def fault(printed: str) -> Fault:
    """What iw or ip print on standard error, in one line."""
    number = _FAILED.search(printed)
    words = " ".join(printed.replace("command failed: ", "").replace("kernel reports: ", "").split())
    words = re.sub(r" \(-\d+\)$", "", words).removeprefix("RTNETLINK answers: ")
    return Fault(words[:200] or "it does not say why", int(number[2]) if number else 0)
