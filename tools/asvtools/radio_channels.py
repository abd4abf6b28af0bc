"""The channels of 802.11p, and a word on who may send there: what a regulatory refusal means, and a licence.

Nothing here opens a channel: the kernel keeps its regulatory domain, and this only explains it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from asvtools.radio_iw import Channel, Domain, Rule

WIDTHS_MHZ: Final = (5, 10, 20)
CARD_LIMITS_MHZ: Final = (2300, 7125)  # what cards of 802.11 are built for

# Centre frequency in MHz: channel number, and what it is in Europe (EN 302 663) and was in the USA (IEEE 1609.4)
ITS: Final[dict[int, tuple[int, str]]] = {
    5860: (172, "ITS-G5 SCH4; WAVE safety channel"),
    5870: (174, "ITS-G5 SCH3"),
    5880: (176, "ITS-G5 SCH1"),
    5890: (178, "ITS-G5 SCH2; WAVE control channel"),
    5900: (180, "ITS-G5 control channel"),
    5910: (182, "ITS-G5 SCH6"),
    5920: (184, "ITS-G5 SCH7"),
}
_ITS_MHZ: Final = (5855, 5925)
_SHIELDED: Final = "a shielded box, or cables and attenuators between the cards, puts nothing on the air"
_LICENCES: Final = {
    "JP": (
        "Japan has no licence-free 802.11p at 5.9 GHz: it takes a licence as an experimental station; "
        "its own media are 5.8 GHz (ITS FORUM RC-005) and 700 MHz (ARIB STD-T109), by certified radios"
    ),
    "US": (
        "the FCC gives 5895-5925 MHz to C-V2X and 5850-5895 MHz to indoor Wi-Fi: 802.11p takes a licence "
        "of your own, an experimental one for instance"
    ),
}
_ETSI: Final = (
    "in Europe 5855-5925 MHz is for ITS equipment that meets EN 302 571: a bare card is none, "
    "and takes a test licence of your regulator"
)
_ELSEWHERE: Final = "sending there takes what your country asks: certified equipment, or a licence for tests"
_EUROPE: Final = "AT BE BG CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a channel may be used by a card here. `reason` "": yes, and nothing to say.

    `covered`: a rule of the domain allows it, and yet the card has it disabled: another domain refuses it, perhaps.
    """

    reason: str = ""
    detail: str = ""
    mend: str = ""
    covered: bool = False

    @property
    def refused(self) -> bool:
        return self.reason not in ("", "passive")


def name_of(frequency_mhz: int, width_mhz: int) -> str:
    """`5880 MHz, 10 MHz wide (channel 176, ITS-G5 SCH1)`."""
    number, words = ITS.get(frequency_mhz, (0, ""))
    known = f" (channel {number}, {words})" if number else ""
    return f"{frequency_mhz} MHz, {width_mhz} MHz wide{known}"


def licence(frequency_mhz: int, country: str) -> str:
    """What sending on that frequency takes in that country ("00": not told), for people."""
    if not _ITS_MHZ[0] <= frequency_mhz <= _ITS_MHZ[1]:
        return f"{frequency_mhz} MHz is none of 802.11p's 5855-5925 MHz; {_ELSEWHERE}; {_SHIELDED}"
    words = _LICENCES.get(country) or (_ETSI if country in _EUROPE.split(" ") else _ELSEWHERE)
    return f"{words}; {_SHIELDED}"


def judge(
    frequency_mhz: int, width_mhz: int, card: Mapping[int, Channel], domain: Domain | None, driver: str
) -> Verdict:
    """Whether the card has the channel, and whether the regulatory domain lets it send there."""
    channel = card.get(frequency_mhz)
    if channel is None:
        return _no_channel(frequency_mhz, sorted(card), driver)
    edges = (frequency_mhz - width_mhz / 2, frequency_mhz + width_mhz / 2)
    rule = _covering(edges, domain.rules if domain else ())
    if channel.disabled or (domain is not None and domain.rules and rule is None):
        return _disabled(edges, rule, domain)
    by = f"{rule} of {domain.name}" if rule and domain else "the regulatory domain"
    if channel.radar:
        detail = f"{by}: radar there goes first, and OCB does not listen for it"
        return Verdict("radar", detail, "take another channel")
    if channel.passive:
        detail = f"{by} is passive (no IR): no Wi-Fi station may be the first to send there; the kernel lets OCB send"
        return Verdict("passive", detail, "send only with a licence that says so, or shielded")
    return Verdict()


def _no_channel(frequency_mhz: int, known: Sequence[int], driver: str) -> Verdict:
    if not known:
        return Verdict("no_channel", f"{driver or 'the card'} tells no channels", "`iw phy` shows what it has")
    near = sorted(known, key=lambda each: abs(each - frequency_mhz))[:2]
    detail = f"{driver or 'the card'} has no channel at {frequency_mhz} MHz"
    if known[-1] < frequency_mhz and frequency_mhz >= _ITS_MHZ[0]:
        mend = "a card whose driver has the 5.9 GHz channels; that of the kernel's own ath9k ends at 5825 MHz"
        return Verdict("no_channel", f"{detail}: its last is {known[-1]} MHz", mend)
    return Verdict("no_channel", detail, f"the next ones are {' and '.join(f'{each} MHz' for each in sorted(near))}")


def _covering(edges: tuple[float, float], rules: Sequence[Rule]) -> Rule | None:
    """The rule that the channel begins in, if it ends in it or in those that continue it (AUTO-BW)."""
    for first in rules:
        last = first
        while last.high_mhz < edges[1] and "AUTO-BW" in last.flags:
            after = [each for each in rules if each.low_mhz == last.high_mhz and "AUTO-BW" in each.flags]
            if not after:
                break
            last = after[0]
        if first.low_mhz <= edges[0] < first.high_mhz and edges[1] <= last.high_mhz:
            return first
    return None


def _disabled(edges: tuple[float, float], rule: Rule | None, domain: Domain | None) -> Verdict:
    """The domain refuses it: which rule ends where."""
    span = f"{edges[0]:g}-{edges[1]:g} MHz"
    if domain is None or not domain.rules:
        return Verdict("channel_disabled", f"{span} is disabled", "`iw reg get` tells the regulatory domain")
    if rule is not None:
        detail = f"{span} lies in {rule} of {domain.name}, but the card has it disabled (too near the rule's end, say)"
        return Verdict("channel_disabled", detail, "take another channel", True)
    middle = sum(edges) / 2
    near = min(domain.rules, key=lambda each: max(each.low_mhz - middle, middle - each.high_mhz))
    how = "ends inside it" if near.low_mhz < edges[1] and edges[0] < near.high_mhz else "is the next"
    detail = f"no rule of {domain.name} allows {span}; {near} {how}"
    if domain.self_managed or (domain.country != "00" and not domain.is_country):
        mend = "the card keeps its own rules, by the country it was made for: it cannot be told another"
    elif domain.country == "00":
        mend = "set the country you are in, none other: `sudo iw reg set JP` (JP for Japan)"
    else:
        mend = (
            "the domain is right where you are there, and sending there unlawful without a licence: "
            "with one, docs/radio.md, Regulation; another country's code would not make it lawful"
        )
    return Verdict("channel_disabled", detail, mend)
