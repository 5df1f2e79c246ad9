from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from dmtui.core.export import Entry, Format, Writer, beginning, entries_of
from dmtui.core.model import (
    Conversation,
    Cursor,
    EventId,
    Kind,
    Message,
    RoomId,
    Safe,
    SendState,
    UserId,
)

ZONE = timezone(timedelta(hours=1))
BOB = UserId("@bob:test")
HELLO = Message(
    "1",
    RoomId("!room"),
    Cursor(1),
    EventId("$1"),
    BOB,
    Safe("Bob"),
    own=False,
    sent_at=1_700_000_000_123,
    kind=Kind.TEXT,
    body=Safe("hello"),
)
WHEN = "2023-11-14 23:13:20 +0100"


def text(message: Message, *reactions: tuple[Safe, tuple[Safe, ...]]) -> str:
    return Writer(Format.TEXT, ZONE).write(Entry(message, reactions))


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (HELLO, "Bob: hello"),
        (replace(HELLO, body=Safe("two\nlines")), "Bob: two\n    lines"),
        (replace(HELLO, edited=True), "Bob: hello (edited)"),
        (replace(HELLO, kind=Kind.REDACTED, body=Safe("Message deleted")), "Bob: (deleted)"),
        (
            replace(HELLO, kind=Kind.UNDECRYPTABLE, body=Safe("no key")),
            "Bob: (can't be decrypted: no key)",
        ),
        (replace(HELLO, kind=Kind.UNDECRYPTABLE, body=Safe("")), "Bob: (can't be decrypted)"),
        (replace(HELLO, kind=Kind.EMOTE, body=Safe("waves")), "* Bob waves"),
        (replace(HELLO, kind=Kind.ATTACHMENT, body=Safe("a.jpg")), "Bob: (file) a.jpg"),
        (replace(HELLO, kind=Kind.MEMBERSHIP, body=Safe("Bob joined")), "(Bob joined)"),
        (replace(HELLO, state=SendState.QUEUED), "Bob: hello (not sent yet)"),
        (replace(HELLO, state=SendState.FAILED, failure="no"), "Bob: hello (not sent: no)"),
    ],
)
def test_a_message_is_a_line_with_its_time_and_zone(message: Message, words: str) -> None:
    assert text(message) == f"{WHEN}  {words}\n"


def test_reactions_stand_below_their_message() -> None:
    shown = text(HELLO, (Safe("👍"), (Safe("Bob"), Safe("Me"))))
    assert shown == f"{WHEN}  Bob: hello\n    👍 Bob, Me\n"


def test_reactions_are_gathered_by_key() -> None:
    given = [("$1", "👍", "Bob"), ("$2", "x", "Bob"), ("$1", "❤", "Me"), ("$1", "👍", "Me")]
    reactions = ((event_id, Safe(key), Safe(name)) for event_id, key, name in given)
    (entry,) = entries_of(iter([HELLO]), reactions)
    assert entry.reactions == (("👍", ("Bob", "Me")), ("❤", ("Me",)))


def test_markdown_shows_what_was_written_as_it_was() -> None:
    writer = Writer(Format.MARKDOWN, ZONE)
    first = writer.write(Entry(replace(HELLO, body=Safe("*no* [link](x)\n# title\n1. one\n- a"))))
    assert first == (
        "\n## Tuesday, 14 November 2023\n\n23:13:20 +0100 **Bob:** \\*no\\* \\[link\\](x)  \n"
        "\\# title  \n1\\. one  \n\\- a\n"
    )
    assert writer.write(Entry(HELLO)) == "\n23:13:20 +0100 **Bob:** hello\n"


def test_a_line_of_json_has_all_there_is() -> None:
    line = Writer(Format.JSON, ZONE).write(Entry(HELLO, ((Safe("👍"), (Safe("Me"),)),)))
    assert line.endswith("\n")
    assert json.loads(line) == {
        "time": "2023-11-14T23:13:20.123+01:00",
        "sender": "@bob:test",
        "name": "Bob",
        "own": False,
        "kind": "text",
        "body": "hello",
        "edited": False,
        "encrypted": False,
        "state": "sent",
        "failure": "",
        "room_id": "!room",
        "event_id": "$1",
        "reactions": [{"key": "👍", "names": ["Me"]}],
    }


def test_json_has_no_words_of_ours_for_what_is_deleted() -> None:
    deleted = replace(HELLO, kind=Kind.REDACTED, body=Safe("Message deleted"))
    assert json.loads(Writer(Format.JSON, ZONE).write(Entry(deleted)))["body"] == ""


def test_the_top_says_with_whom_and_when() -> None:
    bob = Conversation(BOB, Safe("Bob"), RoomId("!room"), 0)
    assert beginning(bob, HELLO.sent_at, ZONE, Format.TEXT) == (
        f"Conversation with Bob (@bob:test), as of {WHEN}\n\n"
    )
    assert beginning(bob, HELLO.sent_at, ZONE, Format.MARKDOWN).startswith("# Bob (@bob:test)\n")
    assert beginning(bob, HELLO.sent_at, ZONE, Format.JSON) == ""
