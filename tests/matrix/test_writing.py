"""What is sent, as the spec has it, and as it is read again."""

from __future__ import annotations

import pytest

from dmtui.core.events import Content, Edit, Line, Reaction
from dmtui.core.model import Attachment, AttachmentKind, EventId, JsonObject, Kind, Media, Safe
from dmtui.matrix.translate import readable
from dmtui.matrix.writing import written

TARGET = EventId("$target")
ROOT = EventId("$root")
HELLO = Line(Kind.TEXT, Safe("hello"))
FILE = Line(
    Kind.ATTACHMENT,
    Safe("a.pdf"),
    attachment=Attachment(AttachmentKind.FILE, Safe("a.pdf"), Media("mxc://x.org/a")),
)


@pytest.mark.parametrize(
    "content",
    [
        HELLO,
        Line(Kind.EMOTE, Safe("waves")),
        Line(Kind.NOTICE, Safe("back soon"), "<b>back</b> soon"),
        Line(Kind.TEXT, Safe("answer"), reply_to=TARGET),
        Line(Kind.TEXT, Safe("answer"), reply_to=TARGET, thread=ROOT),
        Line(Kind.TEXT, Safe("in a thread"), thread=ROOT),
        Edit(TARGET, HELLO),
        Edit(TARGET, Line(Kind.EMOTE, Safe("waves"), "<i>waves</i>")),
        Reaction(TARGET, Safe("👍")),
    ],
    ids=str,
)
def test_what_is_written_is_read_as_the_same(content: Line | Edit | Reaction) -> None:
    kind, raw = written(content)
    again: Content | None = readable(kind, raw, {})
    assert again == content


def test_edit_carries_a_fallback_for_clients_that_know_no_edits() -> None:
    _, raw = written(Edit(TARGET, Line(Kind.TEXT, Safe("hello"), "<b>hello</b>")))
    assert raw["body"] == "* hello"
    assert raw["formatted_body"] == "* <b>hello</b>"
    new: JsonObject = {
        "msgtype": "m.text",
        "body": "hello",
        "format": "org.matrix.custom.html",
        "formatted_body": "<b>hello</b>",
        "m.mentions": {},
    }
    assert raw["m.new_content"] == new


def test_answer_in_a_thread_is_no_fallback() -> None:
    _, raw = written(Line(Kind.TEXT, Safe("answer"), reply_to=TARGET, thread=ROOT))
    assert raw["m.relates_to"] == {
        "rel_type": "m.thread",
        "event_id": ROOT,
        "is_falling_back": False,
        "m.in_reply_to": {"event_id": TARGET},
    }


def test_reply_has_no_quotation_in_its_text() -> None:
    _, raw = written(Line(Kind.TEXT, Safe("answer"), reply_to=TARGET))
    assert raw["body"] == "answer"
    assert raw["m.relates_to"] == {"m.in_reply_to": {"event_id": TARGET}}


def test_who_is_mentioned_is_told() -> None:
    html = '<a href="https://matrix.to/#/@bob:x.org">Bob</a>, <b>look</b>'
    _, raw = written(Line(Kind.TEXT, Safe("@bob:x.org, **look**"), html))
    assert raw["m.mentions"] == {"user_ids": ["@bob:x.org"]}


@pytest.mark.parametrize(
    "content", [HELLO, Edit(TARGET, HELLO), FILE], ids=["text", "edit", "file"]
)
def test_what_mentions_nobody_says_so(content: Line | Edit) -> None:
    """Else whoever is named like a word in it would be told of a mention."""
    _, raw = written(content)
    assert raw["m.mentions"] == {}
