"""What the user is told: one line saying what, where, and the mend. Raised anywhere, printed by the command."""

import difflib
from collections.abc import Iterable


class AsvkitError(Exception):
    """It ran and found a failure: exit code 1."""

    exit_code = 1


class UsageError(AsvkitError):
    """Wrong usage, configuration or input file: exit code 2. The text names the file and the key."""

    exit_code = 2


def nearest(name: object, known: Iterable[str]) -> str:
    """`; did you mean X or Y?` for a mistyped name, or nothing."""
    near = difflib.get_close_matches(str(name), list(known), 3, 0.5)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def nearest_or_known(name: object, known: Iterable[str], most: int = 12) -> str:
    """As `nearest`, else what there is; of many the first."""
    names = list(known)
    listed = ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
    return nearest(name, names) or (f"; it has {listed}" if names else "")
