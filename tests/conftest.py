"""What every test may use: the real recordings beside the repository, where they are present."""

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("asvkit", deadline=None)  # a busy machine is no failure
settings.load_profile("asvkit")


@pytest.fixture
def shared() -> Path:
    """The folder with recordings that the project does not copy; tests that need it skip without it."""
    folder = Path(__file__).resolve().parents[1].parent / "shared"
    if not folder.is_dir():
        pytest.skip("shared recordings are absent")
    return folder
