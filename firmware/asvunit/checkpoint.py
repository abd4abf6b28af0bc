"""The whole state of a core as plain data, and back: where a replay of its journal can begin in the middle.

A core makes all its objects when it is made, and none later (it must not allocate), so its state is what stands in
them. They are numbered from a new core; a dump holds those that have changed since, and nothing is left out because
somebody forgot it. References, as from a support to its neighbour, are told by number: "@17".

What puts a core's records into words has a state too: who the sources are, and what was told last.
"""

import json
import zlib
from array import array
from collections.abc import Iterator
from typing import Any, Final

from asvcore.core import Core
from asvcore.settings import FIELDS, Settings
from asvunit.events import Translator
from asvunit.identity import Sources

VERSION: Final = 1

State = dict[str, Any]
_Values = list[Any] | str  # of a thing: of attributes or places in their order; bytes in hex

_ATOMS: Final = (int, bool, type(None))
_PACKAGE: Final = "asvcore."
_OUTSIDE: Final = frozenset({("Teller", "passed")})  # the caller's, not the core's


class Checkpoint:
    """Dumps and restores one core; to be made while the core is new, for the state it is then in is not dumped."""

    def __init__(self, core: Core) -> None:
        self._settings = {name: int(getattr(core.settings, name)) for name, *_rest in FIELDS}
        self._things: list[Any] = []
        self._numbers: dict[int, str] = {}
        self._names: list[tuple[str, ...]] = []  # attributes of those that have any
        for thing in _reached(core):
            self._numbers[id(thing)] = f"@{len(self._things)}"
            self._things.append(thing)
            self._names.append(_attributes(thing))
        self._constants = [self._of_constants(at) for at in range(len(self._things))]
        self._new = [self._values(at) for at in range(len(self._things))]
        self._layout = zlib.crc32(repr([_shape(thing, new) for thing, new in self._pairs()]).encode())

    def dump(self) -> State:
        """The core's state now, for JSON."""
        values = [self._values(at) for at in range(len(self._things))]
        changed = [[at, now] for at, now in enumerate(values) if now != self._new[at]]
        return {
            "version": VERSION,
            "layout": self._layout,
            "settings": dict(self._settings),
            "things": changed,
            "check": _check(changed),
        }

    def restore(self, state: State) -> None:
        """Make the core what it was at a dump; ValueError, and nothing is changed, for a state that does not fit."""
        if not isinstance(state, dict) or state.get("version") != VERSION:
            raise ValueError("no state of version 1")
        self._compare_settings(state.get("settings"))
        if state.get("layout") != self._layout:
            raise ValueError("the state of another version's core")
        changed = state.get("things")
        if not isinstance(changed, list) or state.get("check") != _check(changed):
            raise ValueError("damaged")
        values = list(self._new)
        for entry in changed:
            if not (isinstance(entry, list) and len(entry) == 2 and type(entry[0]) is int):
                raise ValueError("damaged")
            at, told = entry
            if not 0 <= at < len(values):
                raise ValueError(f"no thing {at}")
            values[at] = told
        made = [self._made(at, told) for at, told in enumerate(values)]
        for at, told in enumerate(made):
            self._put(at, told)

    # Inside

    def _pairs(self) -> Iterator[tuple[Any, _Values]]:
        return zip(self._things, self._new, strict=True)

    def _compare_settings(self, told: Any) -> None:
        if not isinstance(told, dict):
            raise ValueError("no settings in it")
        for name in {*told, *self._settings}:
            if told.get(name) != self._settings.get(name):
                raise ValueError(f"its setting {name} is {told.get(name)}, here {self._settings.get(name)}")

    def _of_constants(self, at: int) -> dict[str, Any]:
        """What no core changes: tables in tuples."""
        thing = self._things[at]
        return {name: value for name in self._names[at] if isinstance(value := getattr(thing, name), tuple)}

    def _values(self, at: int) -> _Values:
        thing, numbers = self._things[at], self._numbers
        if isinstance(thing, bytearray):
            return thing.hex()
        if isinstance(thing, array):
            return thing.tolist()
        if not isinstance(thing, list):
            own, constants = vars(thing), self._constants[at] if len(self._constants) > at else {}
            thing = [own[name] for name in self._names[at] if name not in constants]
        try:
            return [one if one.__class__ in _ATOMS else numbers[id(one)] for one in thing]
        except KeyError:
            raise TypeError(f"{type(self._things[at]).__name__} holds what a checkpoint does not know") from None

    def _made(self, at: int, told: Any) -> Any:
        """The values of a thing as they are put into it; ValueError where they do not fit."""
        thing, new = self._things[at], self._new[at]
        if type(told) is not type(new) or len(told) != len(new):
            raise ValueError(f"{type(thing).__name__} {at} does not fit")
        if isinstance(thing, bytearray):
            return bytes.fromhex(str(told))
        if isinstance(thing, array):
            try:
                return array(thing.typecode, told)
            except (TypeError, OverflowError) as error:
                raise ValueError(f"array {at}: {error}") from error
        return [self._one(value) for value in told]

    def _one(self, value: Any) -> Any:
        if value is None or isinstance(value, int):
            return value
        if isinstance(value, str) and value[:1] == "@" and value[1:].isdecimal() and int(value[1:]) < len(self._things):
            return self._things[int(value[1:])]
        raise ValueError(f"a value {value!r:.40}")

    def _put(self, at: int, made: Any) -> None:
        thing = self._things[at]
        if isinstance(thing, (list, array, bytearray)):
            thing[:] = made
            return
        names = [name for name in self._names[at] if name not in self._constants[at]]
        for name, value in zip(names, made, strict=True):
            setattr(thing, name, value)


def dump_words(translator: Translator, sources: Sources) -> State:
    """What puts records into words, for JSON: `sources`, names by number, `silent`, their numbers as they give way,
    and `translator`, what was told last."""
    names, numbers = sources._names, sources._numbers
    own, since = translator._own, translator._since
    told = {"own": list(own), "since": [[*key, state, epoch_s] for key, (state, epoch_s) in since.items()]}
    return {"sources": list(names), "silent": list(numbers.values()), "translator": told}


def restore_words(state: State, translator: Translator, sources: Sources) -> None:
    """The reverse, into new ones; ValueError, and nothing is changed, for a state that does not fit."""
    try:
        names = [_typed(name, str) for name in state["sources"]]
        numbers = {names[number]: number for number in state["silent"]}
        own = tuple(_typed(value, int) for value in state["translator"]["own"])
        since = {
            (_typed(kind, str), _typed(whose, str)): (_typed(told, str), _typed(epoch_s, (int, float)))
            for kind, whose, told, epoch_s in state["translator"]["since"]
        }
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise ValueError(f"no state of sources and words: {error}") from error
    if len(numbers) != len(names) or sorted(numbers.values()) != list(range(len(names))):
        raise ValueError("no state of sources: each has one number")
    sources._names[:] = names
    sources._numbers.clear()
    sources._numbers.update(numbers)
    translator._own = own
    translator._since.clear()
    translator._since.update(since)


def _typed(value: Any, kind: type | tuple[type, ...]) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{value!r:.40} in it")
    return value


def _reached(core: Core) -> Iterator[Any]:
    """All that can change and is reached from a core, in the order in which it was made."""
    seen: set[int] = set()
    waiting: list[Any] = [core]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or not _changes(thing):
            continue
        seen.add(id(thing))
        yield thing
        inner = thing if isinstance(thing, list) else [getattr(thing, name) for name in _attributes(thing)]
        waiting.extend(reversed([one for one in inner if one.__class__ not in _ATOMS]))


def _changes(thing: Any) -> bool:
    if isinstance(thing, (list, array, bytearray)):
        return True
    return type(thing).__module__.startswith(_PACKAGE) and not isinstance(thing, Settings)


def _attributes(thing: Any) -> tuple[str, ...]:
    if isinstance(thing, (list, array, bytearray)):
        return ()
    kind = type(thing).__name__
    return tuple(
        name
        for name, value in vars(thing).items()
        if (kind, name) not in _OUTSIDE and not isinstance(value, Settings) and not callable(value)
    )


def _shape(thing: Any, new: _Values) -> tuple[Any, ...]:
    kind = thing.typecode if isinstance(thing, array) else type(thing).__name__
    return kind, len(new), _attributes(thing)


def _check(changed: list[Any]) -> int:
    return zlib.crc32(json.dumps(changed, separators=(",", ":")).encode())
