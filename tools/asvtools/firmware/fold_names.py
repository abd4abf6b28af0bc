"""What a module of a board's packages binds, imports and lets go of: what folding may rely on.

Everything here errs to the safe side: a name that is bound twice anywhere, changed from outside, or reached in
another way than by plain reading is no constant.
"""

import ast
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from asvunit.errors import AsvkitError

_SCOPES: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
# Calls that make something and do nothing else
_MAKERS: Final = frozenset(("array", "bytearray", "bytes", "const", "len", "list", "property", "range", "tuple"))
_DYNAMIC: Final = {"globals", "locals", "vars", "dir", "eval", "exec", "__import__"}


@dataclass
class Module:
    """A module under its dotted name; `package` is None for a user outside the packages."""

    name: str
    package: str | None
    text: str
    tree: ast.Module
    edits: list[tuple[ast.stmt | ast.expr, str]] = field(default_factory=list)  # nodes of the text and what they become
    constants: dict[str, int] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)  # local name -> dotted name of a module of the packages
    names: dict[str, tuple[str, str]] = field(default_factory=dict)  # local name -> (module, name)
    used: set[str] = field(default_factory=set)  # names read before folding
    reached: set[str] = field(default_factory=set)  # modules whose names are reached by other ways
    changed: set[tuple[str, str]] = field(default_factory=set)  # (module, name) written from here
    escaped: set[str] = field(default_factory=set)  # modules handed on whole: anything may happen to them
    open: bool = False  # reads its own names in other ways: none of them goes
    single: set[str] = field(default_factory=set)  # names bound once: `once`
    bindings: dict[int, Counter[str]] = field(default_factory=dict)  # of its statements, by their id
    star: bool = False  # imports all that another has: nobody knows what its names mean, so it stays as it is


def parse(path: Path, name: str, package: str | None) -> Module:
    """The module of a file; AsvkitError where it is no Python."""
    try:
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text, str(path))
    except (OSError, SyntaxError, ValueError) as err:
        raise AsvkitError(f"{path}: cannot be folded: {err}") from None
    return Module(name, package, text, tree)


def edited(text: str, edits: Iterable[tuple[ast.stmt | ast.expr | ast.arg, str]]) -> str:
    """The text with nodes replaced; of two edits, the last of the same place and the outer one count."""
    data = text.encode()
    starts = [0]
    for line in data.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    places: dict[tuple[int, int], str] = {}
    for node, new in edits:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        begin = starts[node.lineno - 1] + node.col_offset
        places[begin, starts[node.end_lineno - 1] + node.end_col_offset] = new
    parts, at = [], 0
    for (begin, end), new in sorted(places.items(), key=lambda row: (row[0][0], -row[0][1])):
        if begin < at:
            continue
        glued = data[end : end + 1] == b"." and not new.startswith("(")  # 5.x is no attribute
        parts += [data[at:begin], (f"({new})" if glued else new).encode()]
        at = end
    return b"".join([*parts, data[at:]]).decode()


def bound(node: ast.AST) -> Counter[str]:
    """Names bound anywhere inside a statement, in whatever scope: there they may not mean the module's."""
    found: Counter[str] = Counter()
    for each in ast.walk(node):
        match each:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                found[name] += 1
            case ast.arg(arg=name):
                found[name] += 1
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found[name] += 1
            case ast.Import(names=aliases):
                found.update((alias.asname or alias.name).partition(".")[0] for alias in aliases)
            case ast.ImportFrom(names=aliases):
                found.update(alias.asname or alias.name for alias in aliases)
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                found[name] += 1
            case ast.MatchMapping(rest=str(name)):
                found[name] += 1
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                found.update(names)
    return found


def read(node: ast.AST) -> set[str]:
    """Names that are read or deleted in a statement, in whatever scope."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and not isinstance(each.ctx, ast.Store)}


def bound_in(module: Module, statement: ast.stmt) -> Counter[str]:
    """The same of a statement of the module's own level; looked up once."""
    found = module.bindings.get(id(statement))
    if found is None:
        found = module.bindings[id(statement)] = bound(statement)
    return found


def once(module: Module) -> set[str]:
    """Names that the module binds once, in a plain statement of its own level, and no function declares global."""
    counts: Counter[str] = Counter()
    for statement in module.tree.body:
        if isinstance(statement, _SCOPES):
            counts[statement.name] += 1
            inner = bound_in(module, statement)
            outward: set[str] = set()
            for each in ast.walk(statement):
                if isinstance(each, ast.Global):
                    outward.update(each.names)
                elif isinstance(each, ast.NamedExpr):  # of a default or a decorator
                    outward.add(each.target.id)
            counts.update({name: inner[name] for name in outward})
        else:
            counts.update(bound_in(module, statement))
    return {name for name, times in counts.items() if times == 1}


def targets(statement: ast.stmt) -> list[tuple[str, ast.expr]]:
    """(name, value) of an assignment of names to as many values; empty for all else."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return [(name, value)]
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            return [(name, value)]
        case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)) if len(names) == len(values):
            pairs = [(name.id, value) for name, value in zip(names, values, strict=True) if isinstance(name, ast.Name)]
            return pairs if len(pairs) == len(names) else []
    return []


def absolute(module: Module, node: ast.ImportFrom) -> str:
    """The dotted name that a `from` import starts from."""
    if not node.level:
        return node.module or ""
    start = module.name.split(".")
    if module.package != module.name:  # of a package itself, the first dot is the package
        start = start[:-1]
    start = start[: len(start) - node.level + 1]
    return ".".join([*start, *([node.module] if node.module else [])])


def imports(module: Module, known: set[str]) -> None:
    """Fill what `module` imports from the known modules, and which of them it reaches in other ways."""
    found = [node for node in ast.walk(module.tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    module.star = any(alias.name == "*" for node in found for alias in node.names)
    single = module.single = set() if module.star else once(module)
    top = {id(statement) for statement in module.tree.body}
    packages = {name.partition(".")[0] for name in known}
    for node in found:
        plain = single if id(node) in top else set()
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname in plain and alias.name in known and "." in alias.name:
                    module.modules[alias.asname or ""] = alias.name
                elif (package := alias.name.partition(".")[0]) in packages:  # package.module.NAME is read as it stands
                    module.reached |= {name for name in known if name.partition(".")[0] == package}
        else:
            start = absolute(module, node)
            for alias in node.names:
                _from(module, start, alias, plain, known)
    module.used = read(module.tree)
    _uses(module)


def _from(module: Module, start: str, alias: ast.alias, plain: set[str], known: set[str]) -> None:
    local, whole = alias.asname or alias.name, f"{start}.{alias.name}"
    if whole in known:
        if local in plain:
            module.modules[local] = whole
        else:
            module.reached.add(whole)
    elif start in known:
        if local in plain:
            module.names[local] = (start, alias.name)
        else:
            module.reached.add(start)


def _uses(module: Module) -> None:
    """Modules that are written to, handed on or asked for names that are made while running."""
    plain: set[int] = set()
    asked: set[int] = set()
    named: list[ast.Name] = []
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Attribute | ast.Call | ast.Name):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in module.modules:
            named.append(node)
        match node:
            case ast.Attribute(value=ast.Name(id=name) as inner, ctx=ctx) if name in module.modules:
                plain.add(id(inner))
                if not isinstance(ctx, ast.Load):
                    module.changed.add((module.modules[name], node.attr))
            case ast.Call(func=ast.Name(id="getattr" | "hasattr"), args=[ast.Name() as inner, *_]):
                asked.add(id(inner))
            case ast.Name(id=name) if name in _DYNAMIC:
                module.open = True
            case ast.Attribute(value=ast.Name(id="sys"), attr="modules"):
                module.open = True
    for node in named:
        if id(node) in asked:
            module.reached.add(module.modules[node.id])
        elif id(node) not in plain:
            module.escaped.add(module.modules[node.id])


def is_pure(tree: ast.Module) -> bool:
    """Whether importing it does nothing but bind names: a call, as of a decorator that registers, may do more."""
    kinds = (ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign, ast.Import, ast.ImportFrom, ast.Try, ast.Pass)
    return all(isinstance(one, kinds) and all(_makes(call) for call in _calls(one)) for one in tree.body)


def _calls(statement: ast.stmt) -> Iterable[ast.expr]:
    """What is called when a statement runs: a function's body is not."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Call):
            yield node.func
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from node.decorator_list
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.append(node.args)
        else:
            waiting.extend(ast.iter_child_nodes(node))


def _makes(called: ast.expr) -> bool:
    return isinstance(called, ast.Name) and called.id in _MAKERS
