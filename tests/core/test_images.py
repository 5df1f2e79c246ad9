"""Which images get a preview without anybody asking for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dmtui.core.images import Drawing, Settings, preview_source
from dmtui.core.model import (
    Attachment,
    AttachmentKind,
    Conversation,
    Cursor,
    Doubt,
    EventId,
    Kind,
    Media,
    Message,
    PeerState,
    RoomId,
    Safe,
    UserId,
)

BOB, ME = UserId("@bob:test"), UserId("@me:test")
CHAT = Conversation(BOB, Safe("Bob"), RoomId("!r"), 0)
LIMIT = 1000
SMALL = Media("mxc://x/small", size=10)
LARGE = Media("mxc://x/large", size=LIMIT + 1)


def image(
    media: Media, thumbnail: Media | None = None, kind: AttachmentKind = AttachmentKind.IMAGE
) -> Message:
    return Message(
        key="1",
        room_id=RoomId("!r"),
        cursor=Cursor(1),
        event_id=EventId("$1"),
        sender=BOB,
        sender_name=Safe("Bob"),
        own=False,
        sent_at=0,
        kind=Kind.ATTACHMENT,
        body=Safe("image"),
        attachment=Attachment(kind, Safe("a.png"), media, thumbnail),
    )


def test_thumbnail_is_taken_before_the_image() -> None:
    assert preview_source(CHAT, image(LARGE, SMALL), LIMIT) == SMALL
    assert preview_source(CHAT, image(SMALL), LIMIT) == SMALL


def test_image_stands_in_for_a_thumbnail_that_is_too_large() -> None:
    assert preview_source(CHAT, image(SMALL, LARGE), LIMIT) == SMALL


@pytest.mark.parametrize(
    "message",
    [
        image(LARGE),
        image(replace(SMALL, size=None)),
        image(Media("", size=10)),
        image(SMALL, kind=AttachmentKind.VIDEO),
        image(SMALL, kind=AttachmentKind.FILE),
        replace(image(SMALL), attachment=None),
        replace(image(SMALL), sender=UserId("@eve:test")),
    ],
    ids=["large", "of unknown size", "nowhere", "video", "file", "text", "of a stranger"],
)
def test_nothing_else_is_fetched_unasked(message: Message) -> None:
    assert preview_source(CHAT, message, LIMIT) is None


def test_nothing_is_fetched_unasked_where_strangers_write() -> None:
    group = replace(CHAT, peer=PeerState.GROUP)
    assert preview_source(group, image(SMALL), LIMIT) is None
    mine = replace(image(SMALL), sender=ME, own=True)
    assert preview_source(group, mine, LIMIT) == SMALL


@pytest.mark.parametrize("doubt", Doubt)
@pytest.mark.parametrize("own", [False, True])
def test_nothing_is_fetched_unasked_that_somebody_else_may_have_written(
    doubt: Doubt, own: bool
) -> None:
    message = replace(image(SMALL), sender=ME if own else BOB, own=own, doubt=doubt)
    found = preview_source(CHAT, message, LIMIT)
    trusted = (Doubt.NONE, Doubt.NO_IDENTITY, Doubt.INDIRECT)
    assert found == (SMALL if doubt in trusted else None)


def test_file_of_mine_is_shown_from_its_copy_until_it_is_uploaded() -> None:
    copy = Media("", size=LIMIT + 1, copy="copy")
    mine = replace(image(copy), sender=ME, own=True)
    assert preview_source(CHAT, mine, LIMIT) == copy
    uploaded = replace(image(replace(copy, uri="mxc://x/up")), sender=ME, own=True)
    assert preview_source(CHAT, uploaded, LIMIT) is None


def test_there_are_no_previews_without_a_limit_or_with_images_off() -> None:
    assert preview_source(CHAT, image(SMALL), 0) is None
    assert Settings().previews
    assert not Settings(limit=0).previews
    assert not Settings(Drawing.OFF).previews
