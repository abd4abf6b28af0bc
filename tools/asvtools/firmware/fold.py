"""Folds the integer constants of a board's packages into their users, before they are compiled.

A name such as `codes.SIGNAL_SPEED` costs a board a look-up each time and room for the name; as an integer it is part
of the instruction. What nobody reads afterwards goes: constants, imports, docstrings, and modules that held nothing
else. Folded are names of capital letters alone that are bound once, on the module's own level, to an integer (no
bool), and are not bound to anything else inside the statement that reads them. A module with `import *` stays as it is,
and so does what it imports all of.

The text is edited in place, not written anew from its tree: `a, b = x, y` needs no tuple on MicroPython, and
`a, b = (x, y)`, as Python's own printer has it, allocates one.
"""

import ast
import operator
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from asvtools.firmware.fold_names import Module, absolute, bound_in, edited, imports, is_pure, parse, read, targets

_BINARY: Final[dict[type[ast.operator], Callable[[int, int], int]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
}
_UNARY: Final[dict[type[ast.unaryop], Callable[[int], int]]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
}
_WIDEST_SHIFT: Final = 64
_CONST: Final = "const"  # of the module micropython: gives what it is given


def fold(
    packages: Mapping[str, Path],
    *,
    users: Iterable[Path] = (),
    without: Iterable[str] = (),
    spare: Iterable[str] = (),
) -> dict[str, str]:
    """Folded sources by dotted name, packages' `__init__` under the package's own.

    `users` are files outside that import names of the packages: what they read stays there for them.
    `without` are modules (dotted) that are left out from the start, `spare` those that go if nothing imports them then.
    """
    left_out = set(without)
    modules = {
        module.name: module
        for name, folder in packages.items()
        for path in sorted(folder.glob("*.py"))
        if (module := parse(path, name if path.stem == "__init__" else f"{name}.{path.stem}", name)).name
        not in left_out
    }
    outside = [parse(path, path.stem, None) for path in users]
    known = set(modules)
    for module in [*modules.values(), *outside]:
        imports(module, known)
    _find_constants(modules, outside)
    statements = {name: list(module.tree.body) for name, module in modules.items()}
    for module in modules.values():
        _replace(module, modules)
    _drop(modules, outside)
    for name, module in modules.items():
        left = {id(statement) for statement in module.tree.body}
        module.edits += [(statement, "pass") for statement in statements[name] if id(statement) not in left]
    idle = {name for name, module in modules.items() if not module.tree.body and module.package != name} | set(spare)
    working = [*(module for name, module in modules.items() if name not in idle), *outside]
    for name in (idle & known) - _imported(working, known):
        del modules[name]
    return {name: edited(module.text, module.edits) for name, module in modules.items()}


def _find_constants(modules: Mapping[str, Module], outside: list[Module]) -> None:
    everyone = [*modules.values(), *outside]
    never = {name for module in everyone for name in module.escaped}
    changed = {pair for module in everyone for pair in module.changed}
    found = True
    while found:  # constants of constants, across modules
        found = False
        for name, module in modules.items():
            if name in never or module.star:
                continue
            for statement in module.tree.body:
                for target, value in targets(statement):
                    if target in module.constants or not target.isupper() or target not in module.single:
                        continue
                    if (name, target) in changed or (number := _value(value, module, modules)) is None:
                        continue
                    module.constants[target] = number
                    found = True
            for local, (start, wanted) in module.names.items():
                if local not in module.constants and (start, wanted) not in changed:
                    number = modules[start].constants.get(wanted)
                    if number is not None and (name, local) not in changed:
                        module.constants[local] = number
                        found = True


def _value(node: ast.expr, module: Module, modules: Mapping[str, Module]) -> int | None:
    """The integer that an expression of integers and constants found so far has; None for all else."""
    found: int | None = None
    match node:
        case ast.Constant(value=int() as number) if not isinstance(number, bool):
            found = number
        case ast.Name(id=name):
            found = module.constants.get(name)
        case ast.Attribute(value=ast.Name(id=name), attr=wanted) if name in module.modules:
            found = modules[module.modules[name]].constants.get(wanted)
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            inner = _value(operand, module, modules)
            found = None if inner is None else _UNARY[type(op)](inner)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            first, second = _value(left, module, modules), _value(right, module, modules)
            found = None if first is None or second is None else _computed(op, first, second)
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name == _CONST and _has_const(module):
            found = _value(argument, module, modules)
    return found


def _computed(op: ast.operator, first: int, second: int) -> int | None:
    if isinstance(op, ast.FloorDiv | ast.Mod) and not second:
        return None
    if isinstance(op, ast.LShift | ast.RShift) and not 0 <= second <= _WIDEST_SHIFT:
        return None
    return _BINARY[type(op)](first, second)


def _has_const(module: Module) -> bool:
    return any(_is_const(module, statement) for statement in module.tree.body)


def _is_const(module: Module, statement: ast.stmt) -> bool:
    """Whether this is the import of micropython's `const`, guarded or not."""
    inner = statement.body[0] if isinstance(statement, ast.Try) and len(statement.body) == 1 else statement
    match inner:
        case ast.ImportFrom(module="micropython", level=0, names=[ast.alias(name="const", asname=None)]):
            return set(bound_in(module, statement)) <= {_CONST, "value", "x"}
    return False


class _Folder(ast.NodeTransformer):
    def __init__(self, module: Module, modules: Mapping[str, Module], hidden: Iterable[str]) -> None:
        self.module = module
        self.modules = modules
        self.hidden = set(hidden)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        match node:
            case ast.Attribute(value=ast.Name(id=name), ctx=ast.Load()) if name not in self.hidden:
                start = self.module.modules.get(name)
                number = None if start is None else self.modules[start].constants.get(node.attr)
                return node if number is None else self._literal(node, number)
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        number = self.module.constants.get(node.id)
        if number is None or node.id in self.hidden or not isinstance(node.ctx, ast.Load):
            return node
        return self._literal(node, number)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        return node  # where its parts stand in the text is not told exactly before Python 3.12

    def _literal(self, node: ast.expr, number: int) -> ast.expr:
        self.module.edits.append((node, str(number) if number >= 0 else f"({number})"))
        return ast.Constant(number)


def _replace(module: Module, modules: Mapping[str, Module]) -> None:
    for statement in module.tree.body:
        if not module.star and not isinstance(statement, ast.Import | ast.ImportFrom):
            _Folder(module, modules, bound_in(module, statement)).visit(statement)


def _drop(modules: Mapping[str, Module], outside: list[Module]) -> None:
    for module in modules.values():
        _drop_docstrings(module)
        _drop_slots(module)
    everyone = [*modules.values(), *outside]
    whole = {name for module in everyone for name in module.reached | module.escaped}
    whole |= {name for name, module in modules.items() if module.open or module.star or "__all__" in module.single}
    if any(module.open for module in everyone):
        whole |= {name for module in everyone if module.open for name in module.modules.values()}
    pure = {name for name, module in modules.items() if is_pure(module.tree)}
    reads = {id(statement): read(statement) for module in modules.values() for statement in module.tree.body}
    asks = {id(module): _asked(module) for module in everyone}
    found = True
    while found:
        wanted = set().union(*asks.values())
        found = False
        for name, module in modules.items():
            if name not in whole and _drop_unread(
                module, {what for start, what in wanted if start == name}, pure, reads
            ):
                asks[id(module)] = _asked(module)
                found = True


def _drop_docstrings(module: Module) -> None:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.body:
            match node.body[0]:
                case ast.Expr(value=ast.Constant(value=str())) as first:
                    if node is not module.tree:  # else it counts as a statement that has gone
                        module.edits.append((first, "pass"))
                    node.body = node.body[1:]


def _drop_slots(module: Module) -> None:
    """`__slots__` of classes, which MicroPython keeps as any other attribute, and never reads."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef):
            module.edits += [(each, "pass") for each in node.body if _is_slots(each)]
            node.body = [each for each in node.body if not _is_slots(each)]


def _is_slots(statement: ast.stmt) -> bool:
    match statement:
        case ast.Assign(targets=[ast.Name(id="__slots__")], value=ast.Tuple() | ast.Constant()):
            return True
    return False


def _asked(module: Module) -> set[tuple[str, str]]:
    """(module, name) that a module still asks another for."""
    found = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom):
            found |= {(absolute(module, node), alias.name) for alias in node.names}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            start = module.modules.get(node.value.id)
            if start is not None:
                found.add((start, node.attr))
    return found


def _drop_unread(module: Module, asked: set[str], pure: set[str], reads: Mapping[int, set[str]]) -> bool:
    """Whether anything has gone."""
    left = asked.union(*(reads[id(statement)] for statement in module.tree.body))
    body: list[ast.stmt] = []
    gone = False
    for statement in module.tree.body:
        if _CONST not in left and _CONST in module.used and _is_const(module, statement):
            continue
        if isinstance(statement, ast.ImportFrom):
            start = absolute(module, statement)
            names = [alias for alias in statement.names if not _is_done(module, alias, start, left, pure)]
            if not names:
                continue
            if len(names) < len(statement.names):
                gone = True
                statement.names = names
                module.edits.append((statement, ast.unparse(statement)))
        pairs = targets(statement)
        if pairs and all(name in module.constants and name not in left for name, _value in pairs):
            continue
        body.append(statement)
    gone = gone or len(body) < len(module.tree.body)
    module.tree.body = body
    return gone


def _is_done(module: Module, alias: ast.alias, start: str, left: set[str], pure: set[str]) -> bool:
    """Whether an import served reading constants alone: one that nobody ever read is there for what it does."""
    local = alias.asname or alias.name
    of_packages = local in module.modules or local in module.names
    home = module.modules.get(local) or start
    read_before = local in module.used or local in module.constants
    return of_packages and home in pure and read_before and local not in left


def _imported(everyone: Iterable[Module], known: set[str]) -> set[str]:
    found = set()
    for module in everyone:
        found |= module.reached | module.escaped
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom):
                start = absolute(module, node)
                found |= {start, *(f"{start}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
    return found & known
