"""What every test may use: the real recordings beside the repository, where they are present."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# No deadline: a busy machine is no failure. make gate tries more examples than the everyday tests
settings.register_profile("asvkit", deadline=None, max_examples=100 if os.environ.get("ASVKIT_ALL") else 40)
settings.load_profile("asvkit")


@pytest.fixture
def shared() -> Path:
    """The folder with recordings that the project does not copy; tests that need it skip without it."""
    folder = Path(__file__).resolve().parents[1].parent / "shared"
    if not folder.is_dir():
        pytest.skip("shared recordings are absent")
    return folder


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is marked as long is for make gate and make radio-gate; the everyday run says how many it left out."""
    if os.environ.get("ASVKIT_ALL"):
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
