"""Finds the packaged data (databases and maps, scenarios, hardware) of an installed wheel or of the checkout."""

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parent

# Folder in the checkout, from the repository root; in a wheel all of them stand in `asvunit/data`.
_CHECKOUT: Final = {"dbc": "dbc", "scenarios": "hil/scenarios", "hardware": "hardware"}


def data_folder(kind: str) -> Path:
    """Folder of "dbc", "scenarios" or "hardware". It may be absent only in a broken installation."""
    installed = _PACKAGE / "data" / kind
    if installed.is_dir():
        return installed
    return _PACKAGE.parents[1] / _CHECKOUT[kind]
