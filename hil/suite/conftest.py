"""Options and fixtures of the suite; target, probes and results are those of the pytest plugin."""

from collections.abc import Iterator

import pytest

from asvrig.targets.target import Target

from .bench import Bench


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("asvkit suite")
    group.addoption("--asvkit-kills", type=int, default=5, help="how often the recording unit is killed (default: 5)")
    group.addoption("--asvkit-samples", type=int, default=20, help="of each latency (default: 20)")
    group.addoption("--asvkit-seed", type=int, default=None, help="of what is drawn, to repeat a run (default: any)")


def pytest_configure(config: pytest.Config) -> None:
    for line in (
        "fault(name): the test of a row of the fault catalogue",
        "main: the main way through a unit, which even a slow target carries",
        "soak: lasts as long as --asvkit-soak says",
        "long: runs with ASVKIT_ALL=1 alone where the everyday tests run",
    ):
        config.addinivalue_line("markers", line)


@pytest.fixture(scope="session")
def bench(target: Target) -> Iterator[Bench]:
    """The target with the suite's car, and a unit that is kept from test to test."""
    made = Bench(target)
    yield made
    made.close()


def option(config: pytest.Config, name: str, default: int | None) -> int | None:
    """Of the suite; its default where pytest was started elsewhere, and these options were not yet known."""
    found: int | None = config.getoption(f"--asvkit-{name}", default=default)
    return found
