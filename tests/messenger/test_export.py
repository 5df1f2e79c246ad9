from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest

from dmtui.core.events import Reaction, TimelineEvent
from dmtui.core.export import Format
from dmtui.core.model import EventId, Safe
from dmtui.messenger.export import export, export_to, style_of
from dmtui.store.store import Store
from tests.new_store import open_store
from tests.store.conftest import BOB, ME, T0, edit, event, first_sync, history, line, news


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "store.db", ME)
    yield opened
    opened.close()


def written(store: Store, style: Format = Format.TEXT) -> list[str]:
    pieces: list[str] = []
    export(store, store.people()[0], style, T0, UTC, pieces.append)
    return pieces


def react(name: str, at: int, target: str, key: str) -> TimelineEvent:
    return event(name, at, Reaction(EventId(f"${target}"), Safe(key)), ME)


def test_the_whole_history_is_written_in_order_with_edits_and_reactions(store: Store) -> None:
    store.apply(first_sync(*(line(f"m{n}", n) for n in range(450)), prev_batch=None))
    store.apply(news(edit("e", 500, "m3", "better"), react("r", 501, "m0", "👍")))
    pieces = written(store)
    assert len(pieces) == 451
    assert "Bob: m0\n    👍 Me" in pieces[1]
    assert "Bob: better (edited)" in pieces[4]
    assert [p.split()[-1] for p in pieces[5:]] == [f"m{n}" for n in range(4, 450)]


def test_it_says_whether_older_messages_are_missing(store: Store) -> None:
    store.apply(first_sync(line("a", 1), prev_batch="p"))
    assert not export(store, store.people()[0], Format.TEXT, T0, UTC, len)
    gap = store.gap_before(BOB, None)
    assert gap is not None
    store.apply_history(gap, history())
    assert export(store, store.people()[0], Format.TEXT, T0, UTC, len)


def test_a_file_is_private_and_never_overwritten(store: Store, tmp_path: Path) -> None:
    store.apply(first_sync(line("a", 1)))
    path = tmp_path / "bob.txt"
    export_to(path, store, store.people()[0], Format.TEXT, T0, UTC)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "Bob: a\n" in path.read_text("utf-8")
    with pytest.raises(FileExistsError):
        export_to(path, store, store.people()[0], Format.JSON, T0, UTC)
    assert "Bob: a\n" in path.read_text("utf-8")


def test_nothing_is_left_of_a_file_that_could_not_be_completed(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    store.apply(first_sync(line("a", 1)))
    monkeypatch.setattr(os, "fsync", full)
    path = tmp_path / "bob.txt"
    with pytest.raises(OSError, match="No space left"):
        export_to(path, store, store.people()[0], Format.TEXT, T0, UTC)
    assert not path.exists()


@pytest.mark.parametrize(
    ("name", "style"),
    [
        ("a.md", Format.MARKDOWN),
        ("a.JSON", Format.JSON),
        ("a.jsonl", Format.JSON),
        ("a.txt", Format.TEXT),
        ("a", Format.TEXT),
    ],
)
def test_the_name_of_the_file_says_how_it_is_written(name: str, style: Format) -> None:
    assert style_of(Path(name)) is style
