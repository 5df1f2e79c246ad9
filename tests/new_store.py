"""A store for a test: a new one is a copy of one that has its tables already."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from dmtui.core.model import UserId
from dmtui.store.database import Database
from dmtui.store.store import Store


def open_store(path: Path, me: UserId) -> Store:
    """Open the store, new unless it is there."""
    if not path.exists():
        path.write_bytes(_blank())
    return Store.open(path, me)


@contextmanager
def passing_store(me: UserId) -> Iterator[Store]:
    """A new store where files are quickest, gone at the end."""
    with tempfile.TemporaryDirectory(dir=_memory()) as directory:
        store = open_store(Path(directory) / "store.db", me)
        try:
            yield store
        finally:
            store.close()


@cache
def _blank() -> bytes:
    with tempfile.TemporaryDirectory(dir=_memory()) as directory:
        file = Path(directory) / "store.db"
        Database(file).close()
        return file.read_bytes()


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None
