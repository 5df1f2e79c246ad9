from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from keyring.backends import fail

from dmtui.profile import ProfilePaths
from tests import keyrings


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProfilePaths:
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / "home" / name.lower()))
    monkeypatch.setenv(keyrings.FILE, str(tmp_path / "keyring.json"))
    monkeypatch.setattr("dmtui.profile_key.wrapping.COST", (16, 8, 1))
    paths = ProfilePaths.named()
    paths.prepare()
    return paths


@pytest.fixture(autouse=True)
def no_keyring() -> Iterator[None]:
    """None at first, and none after the test."""
    keyrings.use(fail.Keyring)
    yield
    keyrings.use(fail.Keyring)


@pytest.fixture
def real_keyring() -> None:
    keyrings.use(keyrings.Keeping)
