"""Which channel of a CAN log is which bus of the car: as the user says, as the map says, or by the identifiers seen."""

import itertools
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from asvunit.canbus.filters import Frames, Wanted
from asvunit.canbus.formats.lines import Channel, Identifier
from asvunit.errors import UsageError, nearest


class Channels:
    """The buses that each channel of a log feeds, by index; most feed one or none."""

    def __init__(
        self,
        buses: Sequence[str],
        channels: Sequence[Collection[str | int]],
        identifiers: Sequence[Collection[Wanted]],
    ) -> None:
        """The map's: names of its buses (one may be unnamed), their channels in logs, what it wants of each."""
        self._buses = tuple(buses)
        self._channels = [tuple(map(_key, names)) for names in channels] or [()] * len(self._buses)
        self._wanted = [Frames(each) for each in identifiers]

    def assign(
        self, seen: Mapping[Channel, Counter[Identifier]], given: Mapping[str, str] | None = None
    ) -> dict[Channel, tuple[int, ...]]:
        """`seen`: wanted frames by channel; `given`: channel by bus name. UsageError for what is not there."""
        named = self._named(seen, given or {})
        rest = [bus for bus in range(len(self._buses)) if bus not in named]
        taken = set(named.values())
        free = [channel for channel in seen if channel not in taken]
        if list(seen) == [None] and not named:
            return {None: tuple(range(len(self._buses)))}  # a format without channels: identifiers tell the bus
        pairs = sorted(
            ((self._score(bus, seen[channel]), -bus, channel) for bus in rest for channel in free),
            key=lambda pair: pair[:2],
            reverse=True,
        )
        for (kinds, _frames), minus_bus, channel in pairs:
            if kinds and -minus_bus not in named and channel not in taken:
                named[-minus_bus] = channel
                taken.add(channel)
        self._check_told(seen, {bus: named[bus] for bus in rest if bus in named})
        out: dict[Channel, tuple[int, ...]] = {}
        for bus in sorted(named):
            out[named[bus]] = (*out.get(named[bus], ()), bus)
        return out

    def told(self, seen: Collection[Channel], assigned: Mapping[Channel, tuple[int, ...]]) -> str:
        """What was chosen, in words; nothing where there was nothing to choose."""
        if len(self._buses) == 1 and len(seen) < 2:
            return ""
        named = {bus: channel for channel, buses in assigned.items() for bus in buses}
        words = []
        for bus, name in enumerate(self._buses):
            channel = "no channel" if bus not in named else _told(named[bus])
            words.append(f"{name} from {channel}" if name else f"from {channel}")
        spare = [_told(channel) for channel in seen if channel not in assigned]
        return ", ".join(words) + (f"; not used: {', '.join(spare)}" if spare else "")

    def _named(self, seen: Collection[Channel], given: Mapping[str, str]) -> dict[int, Channel]:
        by_key = {_key(channel): channel for channel in seen}
        found: dict[int, Channel] = {}
        for name, channel in given.items():
            option = f"--bus {name}={channel}" if name else f"--bus {channel}"
            if name not in self._buses:
                known = ", ".join(filter(None, self._buses))
                mend = f"it has {known}{nearest(name, self._buses)}" if known else "it has one bus: give --bus CHANNEL"
                raise UsageError(f"{option}: the map has no bus {name!r}; {mend}")
            if _key(channel) not in by_key:
                told = f"on {', '.join(map(_told, seen))}" if seen else "nowhere in it"
                raise UsageError(f"{option}: the log has no frame of the map there; it has some {told}")
            found[self._buses.index(name)] = by_key[_key(channel)]
        for bus, keys in enumerate(self._channels):
            key = next((key for key in keys if key in by_key), None)
            if bus not in found and key is not None:
                found[bus] = by_key[key]
        return found

    def _check_told(self, seen: Mapping[Channel, Counter[Identifier]], found: Mapping[int, Channel]) -> None:
        """UsageError where two buses could as well be exchanged: a guess would be wrong half of the time."""
        for one, other in itertools.combinations(sorted(found), 2):
            here, there = seen[found[one]], seen[found[other]]
            straight = self._score(one, here)[0] + self._score(other, there)[0]
            if self._score(one, there)[0] + self._score(other, here)[0] >= straight:
                names = self._buses[one], self._buses[other]
                raise UsageError(
                    f"the identifiers do not tell which of {_told(found[one])} and {_told(found[other])} is "
                    f"{' and which '.join(names)}; say so: {' '.join(f'--bus {name}=CHANNEL' for name in names)}"
                )

    def _score(self, bus: int, frames: Counter[Identifier]) -> tuple[int, int]:
        """How many of the bus's identifiers a channel has, and how many frames of them."""
        met: Counter[Identifier] = Counter()
        for identifier, count in frames.items():
            found = self._wanted[bus].find(identifier)
            if found is not None:
                met[found] += count
        return len(met), met.total()


def bus_channels(texts: Collection[str]) -> dict[str, str]:
    """Options `NAME=CHANNEL`, or `CHANNEL` for a map with one unnamed bus; UsageError for what is neither."""
    out: dict[str, str] = {}
    for text in texts:
        left, equals, right = text.partition("=")
        name, channel = (left.strip(), right.strip()) if equals else ("", text.strip())
        if not channel:
            raise UsageError(f"--bus {text}: names no channel; e.g. --bus body=can1")
        if name in out:
            raise UsageError(f"--bus {text}: this bus has a channel already, {out[name]}")
        out[name] = channel
    return out


def _key(channel: Channel) -> str:
    return str(channel).casefold()


def _told(channel: Channel) -> str:
    return (
        "the log's only channel"
        if channel is None
        else str(channel)
        if isinstance(channel, str)
        else f"channel {channel}"
    )
