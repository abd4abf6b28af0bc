"""The end of a process of the rig: what it did, as one JSON object on its standard output, and its exit code."""

import contextlib
import json
import sys
from collections.abc import Callable
from typing import Any

from asvunit.errors import UsageError


def reported(run: Callable[[], dict[str, Any]]) -> int:
    """Runs it and prints what it gives; 0, 2 where it was asked for what cannot be, 130 where it was interrupted."""
    try:
        told = run()
    except UsageError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        return 130
    with contextlib.suppress(BrokenPipeError):  # who asked may have gone
        print(json.dumps(told), flush=True)  # noqa: T201
    return 0
