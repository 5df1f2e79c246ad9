"""Previews are kept with their messages, and gone with them."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from dmtui.core.events import Edit, Redaction
from dmtui.core.images import PREVIEW
from dmtui.core.model import EventId, Media, Pixels, Safe
from dmtui.store.previews import read_preview, write_preview
from dmtui.store.store import Store
from tests.fakes import said
from tests.store.conftest import BOB, ROOM, T0, event, first_sync, news
from tests.store.test_attachments import CAT, OURS, TXN, only, shown

RED = Pixels(2, 1, b"\xff\x00\x00" * 2)


def test_preview_is_kept_and_told_of(store: Store, path: Path) -> None:
    store.apply(first_sync(event("cat", 1, shown(CAT))))
    assert store.keep_preview(only(store).key, CAT, RED)
    assert only(store).preview == RED


def test_deleted_message_keeps_no_preview(store: Store, path: Path) -> None:
    store.apply(first_sync(event("cat", 1, shown(CAT))))
    store.keep_preview(only(store).key, CAT, RED)
    store.apply(news(event("gone", 2, Redaction(EventId("$cat")))))
    assert only(store).preview is None
    with sqlite3.connect(path) as connection:
        kept = connection.execute("SELECT 1 FROM event WHERE preview IS NOT NULL").fetchall()
    assert kept == []


def test_edited_image_does_not_keep_the_former_ones_preview(store: Store) -> None:
    store.apply(first_sync(event("cat", 1, shown(CAT))))
    store.keep_preview(only(store).key, CAT, RED)
    dog = replace(CAT, name=Safe("dog.png"), media=replace(CAT.media, uri="mxc://x/dog"))
    store.apply(news(event("edit", 2, Edit(EventId("$cat"), shown(dog)))))
    assert only(store).attachment == dog
    assert only(store).preview is None
    store.keep_preview(only(store).key, CAT, RED)  # it was under way
    assert only(store).preview is None
    store.keep_preview(only(store).key, dog, RED)
    assert only(store).preview == RED


def test_preview_of_a_file_of_mine_outlives_its_upload(store: Store) -> None:
    store.apply(first_sync())
    store.queue_message(BOB, ROOM, TXN, shown(OURS), T0)
    key = only(store).key
    uploaded = replace(OURS, media=replace(OURS.media, uri="mxc://x/up"))
    store.mark_uploaded(TXN, uploaded)
    store.keep_preview(key, OURS, RED)
    theirs = replace(OURS, media=Media("mxc://x/up"), thumbnail=None)
    echo = replace(event("sent", 1, shown(theirs), sender=store.me), transaction_id=TXN)
    store.apply(news(echo))
    assert (only(store).key, only(store).preview) == (key, RED)


def test_preview_of_a_message_that_is_gone_is_let_go(store: Store) -> None:
    store.apply(first_sync(event("text", 1, said("hi"))))
    assert store.keep_preview("77", CAT, RED) == frozenset()
    store.keep_preview(only(store).key, CAT, RED)
    assert only(store).preview is None


@pytest.mark.parametrize(
    "column", [None, b"", b"\x01", b"\x01\x01\x00", b"\x00\x00", b"\xff\x01" + bytes(765)]
)
def test_column_that_is_no_preview_is_none(column: bytes | None) -> None:
    assert read_preview(column) is None


def test_largest_preview_is_read_as_it_was_written() -> None:
    largest = Pixels(*PREVIEW, bytes(PREVIEW[0] * PREVIEW[1] * 3))
    assert read_preview(write_preview(largest)) == largest
