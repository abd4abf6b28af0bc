"""One browser and one server for the tests of the page that a worker runs."""

from collections.abc import Iterator
from typing import Any

import pytest

from pagetools import PageServer, chromium


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="package")
def server() -> Iterator[PageServer]:
    serving = PageServer()
    yield serving
    serving.close()
