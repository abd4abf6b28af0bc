"""What keeps a unit from using an interface as its radio: everything is looked at, nothing is changed."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from asvtools.radio_card import Card, Machine, ipv6_switch, is_up, look
from asvtools.radio_channels import name_of
from asvtools.radio_rows import OK, PROBLEM, WARNING, Outcome, Row, card_rows, domain_row, held_rows, licence_row

_LONGEST_BYTES: Final = 178  # a signed frame's payload


def check(machine: Machine, name: str, frequency_mhz: int | None = None, width_mhz: int | None = None) -> Outcome:
    """Looks at an interface and changes nothing: all that keeps a unit from using it is told."""
    return Outcome(name, list(_check(machine, name, frequency_mhz, width_mhz)))


def _check(machine: Machine, name: str, frequency_mhz: int | None, width_mhz: int | None) -> Iterator[Row]:
    card = look(machine, name)
    if card.phy:
        yield from card_rows(machine, card)
        yield from held_rows(machine, card)
        yield from _on_channel(card, frequency_mhz, width_mhz)
    else:
        yield Row("card", OK, f"{name} is no 802.11 interface: frames go out on it as on any Ethernet")
    yield from _link(machine, name)
    if card.phy:
        if machine.read(ipv6_switch(name)) == "0":
            detail = f"IPv6 is on: the kernel sends by the card's own address on {name}, beside the unit's that changes"
            mend = f"`sudo sysctl -w net.ipv6.conf.{name}.disable_ipv6=1`"
            yield Row("ipv6", WARNING, detail, mend, "own_address")
        monitors = [each.name for each in card.others if each.mode == "monitor"]
        told = f'{monitors[0]}: [radio] monitor = "{monitors[0]}"' if monitors else "no monitor interface: none is told"
        yield Row("power", OK, f"received power: {told}")
        on = card.setting.frequency_mhz if card.setting else None
        if on or frequency_mhz:
            yield licence_row(card, frequency_mhz or on or 0)


def _on_channel(card: Card, frequency_mhz: int | None, width_mhz: int | None) -> Iterator[Row]:
    now = card.setting
    set_up_by = f"`sudo asvkit radio setup {card.name} --frequency {frequency_mhz or 5880} --width {width_mhz or 10}`"
    if now is None or not now.ocb:
        yield Row("mode", PROBLEM, f"{card.name} is not in OCB mode, but {now.mode if now else 'of no known mode'}",
                  set_up_by, "not_ocb")  # fmt: skip
        return
    yield Row("mode", OK, "OCB (802.11p)")
    if now.frequency_mhz is None:
        yield Row("channel", PROBLEM, f"{card.name} is in OCB mode on no channel: nothing is sent or heard", set_up_by,
                  "not_joined")  # fmt: skip
        return
    width = now.width_mhz or 20
    wanted = (frequency_mhz or now.frequency_mhz, width_mhz or width)
    if wanted != (now.frequency_mhz, width):
        yield Row("channel", PROBLEM, f"on {name_of(now.frequency_mhz, width)}, not on {name_of(*wanted)}", set_up_by,
                  "other_channel")  # fmt: skip
    else:
        power = f", {now.power_dbm:g} dBm" if now.power_dbm is not None else ""
        yield Row("channel", OK, f"{name_of(now.frequency_mhz, width)}{power}")
    row = domain_row(card, now.frequency_mhz, width)
    if row.state == PROBLEM:  # the domain changed since: the kernel leaves the card there for a while
        row = replace(row, mend=f"`sudo iw dev {card.name} ocb leave` takes it off the air; {row.mend}")
    yield row


def _link(machine: Machine, name: str) -> Iterator[Row]:
    if is_up(machine, name) and machine.read(f"/sys/class/net/{name}/carrier") == "0":
        yield Row("link", PROBLEM, f"{name} is up and has no carrier", "look at its cable, or its other end", "down")
    elif is_up(machine, name):
        yield Row("link", OK, "up")
    else:
        yield Row("link", PROBLEM, f"{name} is down", f"`sudo ip link set {name} up`", "down")
    mtu = machine.read(f"/sys/class/net/{name}/mtu")
    if mtu.isdecimal() and int(mtu) < _LONGEST_BYTES:
        yield Row("mtu", PROBLEM, f"MTU {mtu}: a signed frame has {_LONGEST_BYTES} bytes",
                  f"`sudo ip link set {name} mtu 1500`", "mtu_too_small")  # fmt: skip
