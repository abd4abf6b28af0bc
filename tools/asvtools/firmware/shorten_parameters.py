"""Parameters of functions, named by their place: a board keeps their names, once each, and never reads them.

A parameter keeps its name if any call anywhere gives it by that name, if a string holds it, or if the name means
something else as well inside its function. Names of a function inside another begin where the outer's end.
"""

import ast
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from asvtools.firmware.fold_names import Module, edited

_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_SCOPES: Final = (*_FUNCTIONS, ast.ClassDef, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_Edits = list[tuple[ast.stmt | ast.expr | ast.arg, str]]
PLACES: Final = 24  # of parameters, those of nested functions together; any more keep their names


def shorten_parameters(modules: Mapping[str, Module], outside: Iterable[Module], names: list[str]) -> dict[str, str]:
    """The modules' sources with parameters renamed; `names` are some that nothing has."""
    given = {
        node.arg
        for module in [*modules.values(), *outside]
        for node in ast.walk(module.tree)
        if isinstance(node, ast.keyword) and node.arg
    }
    sources = {}
    for name, module in modules.items():
        texts = {
            word
            for node in ast.walk(module.tree)
            if isinstance(node, ast.JoinedStr)
            for word in (each.id for each in ast.walk(node) if isinstance(each, ast.Name))
        }
        edits: _Edits = []
        _inside(module.tree, 0, names, {*given, *texts, "self"}, edits)
        sources[name] = edited(module.text, edits)
    return sources


def _inside(node: ast.AST, taken: int, names: list[str], left: Collection[str], edits: _Edits) -> None:
    if isinstance(node, _FUNCTIONS):
        taken = _one(node, taken, names, left, edits)
    for child in ast.iter_child_nodes(node):
        _inside(child, taken, names, left, edits)


def _one(
    function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda,
    taken: int,
    names: list[str],
    left: Collection[str],
    edits: _Edits,
) -> int:
    """Renames those of a function; how many names are taken then."""
    given = function.args
    if given.kwarg:
        return taken
    rows = [*given.posonlyargs, *given.args, *([given.vararg] if given.vararg else []), *given.kwonlyargs]
    body = function.body if isinstance(function.body, list) else [function.body]
    other = set().union(*(_bound_otherwise(node) for node in body))
    for row in rows:
        if taken == len(names):
            break
        if row.arg in left or row.arg in other or row.arg.startswith("__") or row.annotation:
            continue
        edits.append((row, names[taken]))
        for statement in body:
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and node.id == row.arg:
                    edits.append((node, names[taken]))
        taken += 1
    return taken


def _bound_otherwise(statement: ast.AST) -> set[str]:
    """Names that an inner scope binds, or the function itself in another way than by assignment."""
    found: set[str] = set()
    for node in ast.walk(statement):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                found.update((alias.asname or alias.name).partition(".")[0] for alias in aliases)
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                found.add(name)
            case ast.MatchMapping(rest=str(name)):
                found.add(name)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                found.update(names)
        if isinstance(node, _SCOPES):
            found.update(
                each.arg if isinstance(each, ast.arg) else each.id
                for each in ast.walk(node)
                if isinstance(each, ast.arg) or (isinstance(each, ast.Name) and not isinstance(each.ctx, ast.Load))
            )
    return found
