"""A stage for the tests that run the whole app."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.ui.stage import Stage

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """An account whose app is not open yet, so that the test can set the server up."""
    return Stage(tmp_path / "store.db")
