"""What belongs to a message, as it is drawn."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import pytest
from rich.style import Style

from dmtui.core.model import (
    Act,
    ActKind,
    Cursor,
    EventId,
    Kind,
    Message,
    Quote,
    Reactions,
    RoomId,
    Safe,
    SendState,
    TransactionId,
    UserId,
)
from dmtui.core.timeline import MessageRow
from dmtui.ui.screens.message_menu import about
from dmtui.ui.widgets.message_lines import paint, shape
from dmtui.ui.widgets.relation_lines import REACTIONS_SHOWN, quote_line, reactions_line

MESSAGE = Message(
    key="1",
    room_id=RoomId("!r"),
    cursor=Cursor(1),
    event_id=EventId("$1"),
    sender=UserId("@me:x"),
    sender_name=Safe("Me"),
    own=True,
    sent_at=0,
    kind=Kind.TEXT,
    body=Safe("yes"),
)
QUOTE = Quote("0", Safe("Bob"), False, Kind.TEXT, Safe("are you\ncoming?"))
THUMB = Reactions(Safe("👍"), (Safe("Bob"), Safe("Me")), True)


def drawn(message: Message, width: int = 60, *, header: bool = False) -> list[str]:
    row = MessageRow("1", message, header)
    lines = paint(row, shape(row, width), width, zone=UTC, style_of=lambda _: Style())
    assert len(lines) == shape(row, width).height
    return [line.text.rstrip() for line in lines]


@pytest.mark.parametrize("header", [False, True])
def test_quote_is_above_and_reactions_are_below_the_text(header: bool) -> None:
    message = replace(MESSAGE, quote=QUOTE, reactions=(THUMB,))
    lines = drawn(message, header=header)
    assert lines[-3].strip() == "╭ Bob: are you coming?"
    assert lines[-2].split() == ["yes", "✓"]
    assert lines[-1].strip() == "👍\xa02\xa0(you)"


def test_quote_says_whose_it_is_and_when_there_is_none() -> None:
    assert quote_line(replace(QUOTE, own=True)) == "╭ You: are you coming?"
    assert quote_line(replace(QUOTE, thread=True)) == "╭ in a thread: Bob: are you coming?"
    assert quote_line(replace(QUOTE, kind=Kind.REDACTED)) == "╭ Bob: Message deleted"
    assert quote_line(replace(QUOTE, kind=None)) == "╭ a message that is not loaded"


def test_floods_of_reactions_and_long_ones_take_few_lines() -> None:
    many = tuple(Reactions(Safe(f"{n} " + "x" * 60), (Safe("Bob"),), False) for n in range(500))
    assert reactions_line(many).endswith("and\xa0488\xa0more")
    assert len(drawn(replace(MESSAGE, reactions=many))) < 10


def test_only_so_many_of_those_who_reacted_are_named() -> None:
    crowd = replace(THUMB, names=tuple(Safe(f"Guest {n}") for n in range(500)))
    text = about(replace(MESSAGE, reactions=(crowd,) * 500), ())
    assert "Guest 19 and 480 more" in text
    assert len(text.splitlines()) == REACTIONS_SHOWN


def test_picture_as_a_reaction_is_named_as_one() -> None:
    assert reactions_line((replace(THUMB, emoji=Safe("mxc://x/y")),)).startswith("(picture)")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (ActKind.EDIT, "✗ edit not sent: no"),
        (ActKind.REACTION, "✗ reaction not sent: no"),
        (ActKind.REDACTION, "✗ not deleted: no"),
    ],
)
def test_what_could_not_be_done_says_why_and_what_now(kind: ActKind, words: str) -> None:
    act = Act(TransactionId("t"), kind, SendState.FAILED, "no")
    last = drawn(replace(MESSAGE, acts=(act,)))[-1].strip()
    assert last == f"{words} · x\xa0retry · d\xa0discard"


def test_edit_and_deletion_on_their_way_are_marked_as_a_message_is() -> None:
    edit = Act(TransactionId("t"), ActKind.EDIT, SendState.QUEUED)
    assert drawn(replace(MESSAGE, acts=(edit,)))[-1].split() == ["yes", "queued", "…"]
    deletion = Act(TransactionId("t"), ActKind.REDACTION, SendState.SENDING)
    gone = replace(MESSAGE, kind=Kind.REDACTED, acts=(deletion,))
    assert drawn(gone)[-1].split() == ["Message", "deleted", "sending", "↑"]
