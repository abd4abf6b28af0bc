"""A card made ready for 802.11p: looked at, set to OCB mode and a channel, read back.

The kernel's regulatory domain is asked first and never worked around: where it refuses a channel, nothing is changed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from asvtools.radio_card import Card, Machine, Ran, ipv6_switch, is_up, look, setting_of
from asvtools.radio_channels import name_of
from asvtools.radio_iw import Setting, fault
from asvtools.radio_rows import (
    DONE,
    OK,
    PROBLEM,
    WARNING,
    WOULD,
    Outcome,
    Row,
    card_rows,
    domain_row,
    held_rows,
    licence_row,
)  # fmt: skip

_REASONS: Final = {"rf-kill": "blocked", "busy": "card_busy", "permitted": "no_permission"}  # by the kernel's words


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the interface is to become. `monitor`: a second interface of the card, for received power; "": none."""

    interface: str
    frequency_mhz: int
    width_mhz: int
    monitor: str = ""
    dry_run: bool = False


def set_up(machine: Machine, wanted: Wanted) -> Outcome:
    """Sets the interface up, and ends at the first problem; nearly all of them are found before any change."""
    return _until_problem(wanted.interface, _set_up(machine, wanted))


def _until_problem(name: str, rows: Iterator[Row]) -> Outcome:
    outcome = Outcome(name)
    for row in rows:
        outcome.rows.append(row)
        if row.state == PROBLEM:
            break
    return outcome


def _set_up(machine: Machine, wanted: Wanted) -> Iterator[Row]:
    card = look(machine, wanted.interface)
    if not card.phy:
        detail = f"{card.name} is no 802.11 interface: there is no mode or channel to set"
        mend = f'the unit uses it as it is: [radio] kind = "ocb", interface = "{card.name}"'
        yield Row("card", PROBLEM, detail, mend, "not_wireless")
        return
    yield from card_rows(machine, card)
    yield from held_rows(machine, card)
    yield domain_row(card, wanted.frequency_mhz, wanted.width_mhz)
    yield from _quiet(machine, card, wanted)
    now = card.setting
    if _as_wanted(now, wanted) and is_up(machine, card.name):
        yield Row("channel", OK, f"already in OCB mode on {name_of(wanted.frequency_mhz, wanted.width_mhz)}")
    else:
        yield from _change(machine, card, wanted)
    if wanted.monitor:
        yield from _monitor(machine, card, wanted)
    yield licence_row(card, wanted.frequency_mhz)


def _as_wanted(now: Setting | None, wanted: Wanted) -> bool:
    return now is not None and now.ocb and (now.frequency_mhz, now.width_mhz) == (
        wanted.frequency_mhz, wanted.width_mhz,
    )  # fmt: skip


def _quiet(machine: Machine, card: Card, wanted: Wanted) -> Iterator[Row]:
    """IPv6 off: the kernel would send by the card's own address, which tells one vehicle's ignitions from others'."""
    switch = ipv6_switch(card.name)
    if machine.read(switch) != "0":
        return
    by_hand = f"`sudo sysctl -w net.ipv6.conf.{card.name}.disable_ipv6=1`"
    if wanted.dry_run:
        yield Row("ipv6", WOULD, by_hand)
    elif said := machine.write(switch, "1"):
        yield Row("ipv6", WARNING, f"{card.name}: IPv6 cannot be turned off: {said}", by_hand, "own_address")
    else:
        yield Row("ipv6", DONE, f"off on {card.name}: the kernel would send it by the card's own address")


def _change(machine: Machine, card: Card, wanted: Wanted) -> Iterator[Row]:
    """Down, mode, up, channel; the mode is left alone where it is right already."""
    name = card.name
    join = ("iw", "dev", name, "ocb", "join", str(wanted.frequency_mhz), f"{wanted.width_mhz}MHz")
    steps: list[tuple[str, tuple[str, ...]]] = []
    if card.setting is not None and card.setting.ocb and is_up(machine, name):
        if card.setting.frequency_mhz:  # of another channel
            steps.append(("channel", ("iw", "dev", name, "ocb", "leave")))
    else:
        steps.append(("mode", ("ip", "link", "set", name, "down")))
        steps.append(("mode", ("iw", "dev", name, "set", "type", "ocb")))
        steps.append(("up", ("ip", "link", "set", name, "up")))
    steps.append(("channel", join))
    if wanted.dry_run:
        for what, words in steps:
            yield Row(what, WOULD, f"`sudo {' '.join(words)}`")
        return
    for what, words in steps:
        ran = machine.run(words)
        if ran.code:
            yield _failed(machine, card, wanted, what, words, ran)
            return
    yield _read_back(machine, card, wanted)


def _failed(machine: Machine, card: Card, wanted: Wanted, what: str, words: Sequence[str], ran: Ran) -> Row:
    """The step that the kernel refused, and why."""
    said = fault(ran.err)
    detail = f"`{' '.join(words)}`: {said.words}"
    if ran.absent:
        return Row(what, PROBLEM, detail, f"`sudo apt install {'iw' if words[0] == 'iw' else 'iproute2'}`", "no_iw")
    reason = next((reason for word, reason in _REASONS.items() if word in said.words.lower()), "refused")
    if reason == "no_permission":
        return Row(what, PROBLEM, detail, "run it by sudo: it needs the capability CAP_NET_ADMIN", reason)
    if reason == "blocked":
        return Row(what, PROBLEM, detail, "`sudo rfkill unblock wifi`, or the card's switch", reason)
    if reason == "card_busy":
        return Row(what, PROBLEM, f"{detail}; {_busy(machine, card)}", _busy_mend(card), reason)
    if what == "channel":
        detail = f"{name_of(wanted.frequency_mhz, wanted.width_mhz)} was refused: {detail}"
        return Row(what, PROBLEM, detail, f"`iw phy {card.phy} info` lists channels, `iw reg get` the rules", "refused")
    return Row(what, PROBLEM, detail, "`dmesg | tail` tells what the driver says", reason)


def _busy(machine: Machine, card: Card) -> str:
    others = [each for each in look(machine, card.name).others if each.mode != "monitor"]
    told = ", ".join(f"{each.name or 'an interface without a name'} ({each.mode or 'no mode told'})" for each in others)
    return f"the card is also in use as {told}" if told else "the card is in use by another program"


def _busy_mend(card: Card) -> str:
    ends = [f"`sudo ip link set {each.name} down`" for each in card.others if each.name and each.mode != "monitor"]
    nameless = "" if ends else "end the program that has it: wpa_supplicant (P2P-device), NetworkManager or hostapd"
    return " ".join(filter(None, [" and ".join(ends), nameless]))


def _read_back(machine: Machine, card: Card, wanted: Wanted) -> Row:
    now = setting_of(machine, card.name)
    if now is not None and now.ocb and now.frequency_mhz is None:  # some drivers do not tell the channel of OCB
        detail = f"joined, but {card.name} does not tell its channel"
        return Row("channel", WARNING, detail, "listen with a second card", "not_read_back")
    if not _as_wanted(now, wanted):
        mend = f"`dmesg | tail` tells what the driver says, `iw dev {card.name} info` what it is set to"
        return Row("channel", PROBLEM, f"all was accepted, but read back as {_told(now)}", mend, "differs")
    power = f", {now.power_dbm:g} dBm" if now is not None and now.power_dbm is not None else ""
    return Row("channel", DONE, f"OCB mode on {name_of(wanted.frequency_mhz, wanted.width_mhz)}{power}, read back")


def _told(now: Setting | None) -> str:
    if now is None:
        return "nothing"
    on = f" on {now.frequency_mhz} MHz, {now.width_mhz} MHz wide" if now.frequency_mhz else " on no channel"
    return f"mode {now.mode}{on}"


def _monitor(machine: Machine, card: Card, wanted: Wanted) -> Iterator[Row]:
    """A second interface of the card that gives frames with their received power."""
    name = wanted.monitor
    there = next((each for each in look(machine, card.name).others if each.name == name), None)
    if (there is None and name in machine.interfaces()) or (there is not None and there.mode != "monitor"):
        yield Row(
            "monitor",
            PROBLEM,
            f"{name} is there, and no monitor interface of {card.phy}",
            "give another name",
            "in_use",
        )
        return
    steps: list[tuple[str, ...]] = (
        [] if there else [("iw", "dev", card.name, "interface", "add", name, "type", "monitor")]
    )
    if not is_up(machine, name):
        steps.append(("ip", "link", "set", name, "up"))
    for words in steps:
        if wanted.dry_run:
            yield Row("monitor", WOULD, f"`sudo {' '.join(words)}`")
        elif (ran := machine.run(words)).code:
            yield _failed(machine, card, wanted, "monitor", words, ran)
            return
    if not (wanted.dry_run and steps):
        yield Row("monitor", DONE if steps else OK, f'{name} tells received power: [radio] monitor = "{name}"')
