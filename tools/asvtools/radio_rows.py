"""What is told of a card, a row each: can it do OCB, is it free, may it use a channel, what does sending take."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from asvtools.radio_card import Card, Machine, blocked, holder
from asvtools.radio_channels import judge, licence, name_of
from asvtools.radio_iw import fault

OK: Final = "ok"
DONE: Final = "done"  # changed now, and read back
WOULD: Final = "would"  # a dry run would do it
WARNING: Final = "warning"
PROBLEM: Final = "problem"


@dataclass(frozen=True, slots=True)
class Row:
    """One thing looked at or done. `reason`: a word for programs where it is a warning or a problem."""

    what: str
    state: str
    detail: str
    mend: str = ""
    reason: str = ""


@dataclass(slots=True)
class Outcome:
    """All of it; `good`: no problem."""

    interface: str
    rows: list[Row] = field(default_factory=list)

    @property
    def problems(self) -> list[Row]:
        return [row for row in self.rows if row.state == PROBLEM]

    def as_json(self) -> dict[str, Any]:
        return {"interface": self.interface, "good": not self.problems, "rows": [asdict(row) for row in self.rows]}


def card_rows(machine: Machine, card: Card) -> Iterator[Row]:
    """Driver and switch."""
    name = f"{card.phy}, driver {card.driver or 'not told'}"
    if not card.modes:
        yield _iw_missing(machine, card)
        return
    if not card.does_ocb:
        detail = f"{name}: has no OCB mode, only {', '.join(card.modes)}"
        yield Row(
            "card", PROBLEM, detail, "take a card of a driver that has it: ath9k (PCIe), ath9k_htc (USB)", "no_ocb"
        )
        return
    yield Row("card", OK, f"{name}: has OCB mode")
    kind = blocked(machine, card)
    if kind:
        mend = "`sudo rfkill unblock wifi`" if kind == "soft" else "its switch, or a key of the machine, turns it on"
        yield Row("switch", PROBLEM, f"{card.name}: the transmitter is off (rfkill, {kind})", mend, "blocked")


def _iw_missing(machine: Machine, card: Card) -> Row:
    ran = machine.run(("iw", "--version"))
    if ran.absent:
        return Row("card", PROBLEM, "iw is not installed", "`sudo apt install iw`", "no_iw")
    detail = (
        f"{card.phy}: iw tells no modes of the card ({fault(machine.run(('iw', 'phy', card.phy, 'info')).err).words})"
    )
    return Row("card", PROBLEM, detail, f"`iw phy {card.phy} info` shows what it says", "no_iw")


def held_rows(machine: Machine, card: Card) -> Iterator[Row]:
    program, mend = holder(machine, card.name)
    if program:
        yield Row("holder", PROBLEM, f"{card.name} is held by {program}, which would set it back", mend, "held")


def domain_row(card: Card, frequency_mhz: int, width_mhz: int) -> Row:
    """What the regulatory domain says of the channel."""
    known = {each.frequency_mhz: each for each in card.channels}
    bounds = card.domains or (None,)
    verdicts = [judge(frequency_mhz, width_mhz, known, domain, card.driver) for domain in bounds]
    verdict = next((each for each in verdicts if each.refused and not each.covered), verdicts[0])
    if verdict.reason:
        state = PROBLEM if verdict.refused else WARNING
        detail = f"{name_of(frequency_mhz, width_mhz)}: {verdict.detail}"
        return Row("regulation", state, detail, verdict.mend, verdict.reason)
    power = known[frequency_mhz].power_dbm
    most = f", {power:g} dBm at most" if power is not None else ""
    where = " and ".join(each.name for each in card.domains) or "the regulatory domain, which iw does not tell,"
    return Row("regulation", OK, f"{where} allows {name_of(frequency_mhz, width_mhz)}{most}")


def licence_row(card: Card, frequency_mhz: int) -> Row:
    return Row("licence", WARNING, licence(frequency_mhz, card.country), "", "licence")
