"""Short names for a board's packages, after folding: names live on its heap, letter by letter.

A name that begins with one underscore is its module's own and becomes `_0`, `_1` ...; the next module has the same
again. For a whole program (`program`: the packages and what runs them, together) so do all names that the packages
define themselves. One that several modules read has a short name of its own in all of them, and so has one that is
set on anything but a method's own object: no object ever gets two things of one name. Modules whose classes inherit
from each other count as one.

Left alone are names with two underscores in front, names of the users' scripts, of other modules and built-in types,
of modules themselves, every word of a string that the packages hold (`getattr` may be given it) and what f-strings
read. The text is changed name by name; nothing else of it moves.
"""

import ast
import builtins
import io
import itertools
import keyword
import re
import string
import tokenize
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from asvtools.firmware.fold_names import Module, absolute, parse
from asvtools.firmware.shorten_parameters import PLACES, shorten_parameters
from asvunit.errors import AsvkitError

_WORD: Final = re.compile(r"[A-Za-z_]\w*")
_ASKS: Final = {"getattr", "setattr", "hasattr", "delattr"}
_OWN_TYPES: Final[tuple[type, ...]] = (
    bool, int, float, complex, str, bytes, bytearray, memoryview, list, tuple, dict, set, frozenset, range, slice,
    object, type, property, BaseException, OSError, StopIteration, Exception, iter([]).__class__,
)  # fmt: skip
_SHARED: Final = ""  # instead of a module: names of several


@dataclass
class Shortened:
    """Sources by dotted name, and what their short names stand for: module ("": all of them) -> short -> name."""

    sources: dict[str, str]
    names: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass
class _Facts:
    """What one module says of its names."""

    words: set[str]  # all that its text holds
    defined: set[str] = field(default_factory=set)
    set_elsewhere: set[str] = field(default_factory=set)  # on objects other than a method's own
    kept: set[str] = field(default_factory=set)
    pieces: set[str] = field(default_factory=set)  # of strings: names may be put together of them
    asks: bool = False  # for attributes whose names it computes
    kin: set[str] = field(default_factory=set)  # modules whose classes its own inherit from
    of_anyone: bool = False  # classes of bases that are not known, or made while running


def shorten(
    sources: Mapping[str, str],
    *,
    users: Iterable[Path] = (),
    program: bool = False,
    foreign: Collection[str] = (),
) -> Shortened:
    """The same sources with short names.

    `users` are files outside that import names of the packages: no name in them changes. `foreign` are names that
    modules and types of a board have; a `program` needs them, for it knows no other bound.
    """
    modules = _parsed(sources)
    outside = [parse(path, path.stem, None) for path in users]
    kept = _kept_by_all(modules, outside, foreign)
    if program:
        if any(module.star for module in modules.values()):
            raise AsvkitError("names cannot be shortened beside an import of *; import them by name")
        used = set().union(kept, *(_words(module.text) for module in modules.values()))
        places = list(itertools.islice(_fresh(used, program=True), PLACES))
        modules = _parsed(shorten_parameters(modules, outside, places))
        kept |= set(places)
    facts = {name: _facts(module, modules) for name, module in modules.items()}
    kept |= set().union(*(fact.kept for fact in facts.values()))
    kept |= _put_together(facts)
    defined = set().union(*(fact.defined for fact in facts.values())) - kept
    wanted = {
        name for name in defined if not name.startswith("__") and (program or name.startswith("_")) and name != "_"
    }
    used = set().union(kept, *(fact.words for fact in facts.values()))
    return _renamed(modules, facts, wanted, used, program)


def _parsed(sources: Mapping[str, str]) -> dict[str, Module]:
    modules = {}
    for name, text in sources.items():
        module = modules[name] = Module(name, name.partition(".")[0], text, ast.parse(text))
        from_imports = [node for node in ast.walk(module.tree) if isinstance(node, ast.ImportFrom)]
        module.star = any(alias.name == "*" for node in from_imports for alias in node.names)
    return modules


def _tokens(text: str) -> list[tokenize.TokenInfo]:
    return [one for one in tokenize.generate_tokens(io.StringIO(text).readline) if one.type == tokenize.NAME]


def _words(text: str) -> set[str]:
    return {token.string for token in _tokens(text)}


def _kept_by_all(modules: Mapping[str, Module], outside: list[Module], foreign: Collection[str]) -> set[str]:
    """Names that mean something outside the packages, and those of modules."""
    kept = {*foreign, *keyword.kwlist, *keyword.softkwlist, *dir(builtins)}
    kept.update(name for kind in _OWN_TYPES for name in dir(kind))
    kept.update(part for name in modules for part in name.split("."))
    for module in outside:
        kept |= _words(module.text)
        kept.update(word for text in _strings(module.tree) for word in _WORD.findall(text))
    return kept


def _strings(tree: ast.AST) -> Iterator[str]:
    """All strings of a module; of f-strings, the text whole."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield ast.unparse(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _facts(module: Module, modules: Mapping[str, Module]) -> _Facts:
    facts = _Facts(_words(module.text))
    for text in _strings(module.tree):
        facts.kept.update(_WORD.findall(text))
    facts.pieces = set(facts.kept)
    own = _own_objects(module.tree)
    for node in ast.walk(module.tree):
        _bindings(node, own, facts)
        match node:
            case ast.ClassDef(bases=bases, keywords=others):
                for base in bases:
                    _inherit(module, base, modules, facts)
                facts.of_anyone |= bool(others)
            case ast.Import(names=aliases):
                facts.kept.update(part for alias in aliases for part in alias.name.split("."))
            case ast.ImportFrom(names=aliases) if absolute(module, node) not in modules:
                facts.kept.update([*absolute(module, node).split("."), *(alias.name for alias in aliases)])
            case ast.Call(func=ast.Name(id="type"), args=[_, _, *_]):
                facts.of_anyone = True
            case ast.Call(func=ast.Name(id=asked), args=args) if asked in _ASKS:
                facts.asks |= not (len(args) > 1 and isinstance(args[1], ast.Constant))
            case ast.Call(func=ast.Name(id=called), keywords=named) if hasattr(builtins, called):  # dict(name=...)
                facts.kept.update(each.arg for each in named if each.arg)
            case ast.Name(id="AttributeError" | "exec" | "eval"):  # it may look whether there is such a thing
                facts.set_elsewhere |= facts.words
    return facts


def _bindings(node: ast.AST, own: set[int], facts: _Facts) -> None:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            facts.defined.add(name)
        case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.ExceptHandler(name=str(name)):
            facts.defined.add(name)
        case ast.Attribute(attr=name, ctx=ast.Store() | ast.Del()):
            facts.defined.add(name)
            if id(node) not in own:
                facts.set_elsewhere.add(name)
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            facts.defined.update(alias.asname for alias in aliases if alias.asname)


def _own_objects(tree: ast.AST) -> set[int]:
    """Nodes `self.name` of methods: by their ids."""
    found: set[int] = set()
    for cls in ast.walk(tree):
        if not isinstance(cls, ast.ClassDef):
            continue
        for method in cls.body:
            if not isinstance(method, ast.FunctionDef) or not method.args.args or method.decorator_list:
                continue
            own = method.args.args[0].arg
            inner = [node for node in ast.walk(method) if node is not method.args.args[0]]
            if any(isinstance(node, ast.arg) and node.arg == own for node in inner) or any(
                isinstance(node, ast.Name) and node.id == own and not isinstance(node.ctx, ast.Load) for node in inner
            ):
                continue
            found.update(
                id(node)
                for node in inner
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == own
            )
    return found


def _inherit(module: Module, base: ast.expr, modules: Mapping[str, Module], facts: _Facts) -> None:
    """Where the class is from that another inherits from."""
    match base:
        case ast.Name(id=name):
            pass
        case ast.Attribute(value=ast.Name(id=name)):
            pass
        case _:
            facts.of_anyone = True
            return
    homes = [
        (absolute(module, node), alias.name)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if (alias.asname or alias.name) == name
    ]
    defined = any(isinstance(node, ast.ClassDef) and node.name == name for node in ast.walk(module.tree))
    for start, what in homes:
        kin = f"{start}.{what}" if f"{start}.{what}" in modules else start
        if kin in modules:
            facts.kin.add(kin)
    # A class that is handed through a third module, bound by an assignment, or found by `import package.module`
    known = defined or hasattr(builtins, name) or bool(homes)
    through = any(home in modules and not _defines(modules[home], what) for home, what in homes)
    facts.of_anyone |= not known or through or module.star


def _defines(module: Module, name: str) -> bool:
    return any(isinstance(node, ast.ClassDef) and node.name == name for node in module.tree.body)


def _put_together(facts: Mapping[str, _Facts]) -> set[str]:
    """Names that may be made of pieces, where anything asks for names that it computes."""
    if not any(fact.asks for fact in facts.values()):
        return set()
    pieces = {piece for fact in facts.values() for piece in fact.pieces if piece.strip("_") and piece != "_"}
    fronts = tuple(piece for piece in pieces if piece.endswith("_"))
    backs = tuple(piece for piece in pieces if piece.startswith("_") and not piece.startswith("__"))
    words = set().union(*(fact.words for fact in facts.values()))
    return {word for word in words if word.startswith(fronts) or word.endswith(backs)}


def _families(facts: Mapping[str, _Facts]) -> dict[str, str]:
    """Module -> one of its family: those whose classes inherit from each other."""
    head = {name: name for name in facts}
    anyone = [name for name, fact in facts.items() if fact.of_anyone]
    pairs = [(name, kin) for name, fact in facts.items() for kin in fact.kin]
    if anyone:
        pairs += [(name, anyone[0]) for name in facts]
    for one, other in pairs:
        gone, stays = head[one], head[other]
        head = {name: stays if at == gone else at for name, at in head.items()}
    return head


def _renamed(
    modules: Mapping[str, Module], facts: Mapping[str, _Facts], wanted: set[str], used: set[str], program: bool
) -> Shortened:
    families = _families(facts)
    homes: dict[str, set[str]] = {name: set() for name in wanted}
    for module, fact in facts.items():
        for name in fact.words & wanted:
            homes[name].add(families[module])
    common = {name for name in wanted if len(homes[name]) > 1}
    common |= wanted & set().union(*(fact.set_elsewhere for fact in facts.values()))
    spare = _fresh(used, program=program)
    new = dict(zip(sorted(common), spare, strict=False))
    told = {_SHARED: {short: name for name, short in new.items()}}
    rest = list(itertools.islice(spare, len(wanted)))
    given: dict[str, dict[str, str]] = {}
    for family in sorted(set(families.values())):
        own = sorted(name for name in wanted - common if family in homes[name])
        given[family] = dict(zip(own, rest, strict=False))
    sources = {}
    for module, found in modules.items():
        own_names = given[families[module]]
        sources[module] = replaced(found.text, {**own_names, **new})
        told[module] = {short: name for name, short in own_names.items() if name in facts[module].words}
    return Shortened(sources, {module: names for module, names in told.items() if names})


def replaced(text: str, new: Mapping[str, str]) -> str:
    """The text with its names replaced."""
    lines = text.splitlines(keepends=True)
    for token in reversed(_tokens(text)):
        if token.string in new:
            row, begin = token.start
            line = lines[row - 1]
            lines[row - 1] = line[:begin] + new[token.string] + line[token.end[1] :]
    return "".join(lines)


def _fresh(used: Collection[str], *, program: bool) -> Iterator[str]:
    """Short names that nothing has: `_0` ... for names with an underscore alone."""
    digits = string.digits + string.ascii_letters
    first = string.ascii_letters if program else "_"
    for length in itertools.count(0 if program else 1):
        for begin in first:
            for rest in itertools.product(digits, repeat=length):
                name = begin + "".join(rest)
                if name not in used:
                    yield name
