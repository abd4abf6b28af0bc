"""What firmware's source says, by its syntax tree: imports, floats, large integers."""

import ast
from collections.abc import Iterator
from pathlib import Path

SMALL = 1 << 30  # integers from here on are objects on a board of 32 bits


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of each module that is imported from outside the package, wherever in the file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.lineno, node.module or ""
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("__import__", "exec"):
            yield node.lineno, node.func.id


def not_allowed(path: Path, allowed: set[str]) -> list[str]:
    """Where a file imports what a board has not."""
    tree = ast.parse(path.read_text(), path.name)
    return [f"{path.name}:{line} imports {name}" for line, name in imports(tree) if name.split(".")[0] not in allowed]


def floats(path: Path) -> list[str]:
    """Where a file makes a float, by function: a literal, a true division, float(), round(), math, a power below 0."""
    tree = ast.parse(path.read_text(), path.name)
    inside = {
        id(node): function.name
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
    }
    return [
        f"{path.name} {inside.get(id(node), 'module')}: {wrong}" for node in ast.walk(tree) if (wrong := _float(node))
    ]


def _float(node: ast.AST) -> str:
    wrong = ""
    if isinstance(node, ast.Constant) and isinstance(node.value, (float, complex)):
        wrong = f"{node.value}"
    elif isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, ast.Div):
        wrong = "a true division"
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and isinstance(node.right, ast.UnaryOp):
        wrong = "a power below 0"
    elif isinstance(node, ast.Name) and node.id in ("float", "complex", "round", "math", "cmath"):
        wrong = node.id
    elif isinstance(node, ast.ImportFrom) and node.module in ("math", "cmath"):
        wrong = node.module
    elif isinstance(node, ast.Attribute) and node.attr in ("time", "perf_counter", "monotonic"):
        wrong = node.attr if isinstance(node.value, ast.Name) and node.value.id == "time" else ""
    return wrong


def large(path: Path) -> list[str]:
    """Where a file writes an integer from 2^30 on, as it is or made of others: what a compiler makes of them counts."""
    found = []
    waiting: list[ast.AST] = [ast.parse(path.read_text(), path.name)]
    while waiting:
        node = waiting.pop()
        value = _value(node)
        if value is None:
            waiting += ast.iter_child_nodes(node)
        elif not -SMALL <= value < SMALL:
            found.append(f"{path.name}: {value}")
    return found


def _value(node: ast.AST) -> int | None:
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int else None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Invert)):
        value = _value(node.operand)
        return None if value is None else -value if isinstance(node.op, ast.USub) else ~value
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left), _value(node.right)
        if left is None or right is None:
            return None
        for kind, made in (
            (ast.LShift, lambda: left << right if right < 100 else None),
            (ast.Mult, lambda: left * right),
            (ast.Add, lambda: left + right),
            (ast.Sub, lambda: left - right),
            (ast.Pow, lambda: left**right if 0 <= right < 100 else None),
            (ast.BitOr, lambda: left | right),
        ):
            if isinstance(node.op, kind):
                return made()
    return None
