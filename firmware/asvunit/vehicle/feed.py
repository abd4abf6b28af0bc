"""What of a car feeds an ASV signal, for reports: one message of its bus, and how its signals are used."""

from dataclasses import dataclass, field

from asvunit.vehicle.j1939 import pgn


@dataclass(frozen=True, slots=True)
class Feed:
    """One message that feeds one table `[signal.NAME]` of the map."""

    name: str
    bus: int
    message: str
    identifier: int
    extended: bool
    length: int  # bytes
    signals: tuple[str, ...]
    unit: str  # of the map's numbers; empty for words
    how: str  # "number", "words", "wheels", "bulbs" or "any"
    period_ms: int | None  # as the map or the database tells it
    timeout_ms: int
    words: dict[int, str] = field(default_factory=dict)  # raw code -> word
    j1939: bool = False  # found by its parameter group; `identifier` has nothing else

    @property
    def address(self) -> str:
        """What its frames are found by, for people."""
        if self.j1939:
            return f"PGN {pgn(self.identifier)}"
        return f"0x{self.identifier:0{8 if self.extended else 3}X}"
