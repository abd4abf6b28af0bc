"""Which frames of a bus are of use: whole identifiers, or those parts of J1939's that tell the parameter group."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

WHOLE: Final = 0x1FFF_FFFF
WHOLE_STANDARD: Final = 0x7FF

Identifier = tuple[int, bool]  # and whether it is extended


class Filter(NamedTuple):
    """Frames whose identifier has these bits where the mask has ones."""

    identifier: int
    mask: int
    extended: bool

    @property
    def whole(self) -> bool:
        return self.mask == whole_mask(self.extended)


Wanted = Identifier | Filter


def whole_mask(extended: bool) -> int:
    return WHOLE if extended else WHOLE_STANDARD


def as_filter(wanted: Wanted) -> Filter:
    return wanted if isinstance(wanted, Filter) else Filter(wanted[0], whole_mask(wanted[1]), wanted[1])


class Frames(AbstractSet[Identifier]):
    """The set of the frames that pass; iterated, it tells the identifiers of its filters."""

    def __init__(self, wanted: Iterable[Wanted]) -> None:
        filters = sorted(set(map(as_filter, wanted)))
        self.whole = frozenset((one.identifier, one.extended) for one in filters if one.whole)
        self._parts: dict[int, set[int]] = {}  # by mask; of extended identifiers alone
        for one in filters:
            if not one.whole:
                self._parts.setdefault(one.mask, set()).add(one.identifier)
        self.filters = tuple(filters)

    def find(self, frame: Identifier) -> Identifier | None:
        """The filter's identifier that a frame passes by; None: it does not."""
        if frame in self.whole:
            return frame
        if frame[1]:
            for mask, identifiers in self._parts.items():
                part = frame[0] & mask
                if part in identifiers:
                    return part, True
        return None

    def __contains__(self, frame: object) -> bool:
        return isinstance(frame, tuple) and self.find(frame) is not None

    def __iter__(self) -> Iterator[Identifier]:
        return ((one.identifier, one.extended) for one in self.filters)

    def __len__(self) -> int:
        return len(self.filters)


def frames(wanted: Iterable[Wanted]) -> AbstractSet[Identifier]:
    """The set of the frames that pass: a plain one, the quickest, where all identifiers are whole."""
    made = Frames(wanted)
    return made if len(made.whole) < len(made.filters) else made.whole
