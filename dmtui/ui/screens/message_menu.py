"""What there is to know of a message, and what can be done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dmtui.core.attachments import VIEWABLE
from dmtui.core.formatted import read
from dmtui.core.markup import has_spoiler, targets
from dmtui.core.model import Kind, Message, Reactions
from dmtui.core.times import clock_time, local_time
from dmtui.core.trust import doubt_words
from dmtui.ui.screens.confirm import Choice
from dmtui.ui.widgets import wishes
from dmtui.ui.widgets.relation_lines import REACTIONS_SHOWN, emoji_of
from dmtui.ui.widgets.system_zone import SystemZone

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dmtui.core.model import Milliseconds, Safe

_OF_KEYS = (
    ("x", "Try again", "retry"),
    ("r", "Reply", "reply"),
    ("+", "React, or take it back", "react"),
    ("g", "Go to what it answers", "original"),
)
"""Letter, label, and the key of the timeline that means the same."""

_READERS = 5

_NAMES = 20
"""Of those who reacted in the same way."""


def choices(message: Message) -> list[Choice[wishes.Wish]]:
    """Each with what the timeline would ask for by its key."""
    return [Choice(letter, label, wish) for letter, label, wish in _choices(message)]


def _choices(message: Message) -> Iterator[tuple[str, str, wishes.Wish]]:
    if message.transfer is not None:
        yield "d", "Stop it", wishes.End(message)
        return
    yield from _file_choices(message)
    if (copy := wishes.of_key("copy", message)) is not None:
        yield "y", "Copy the text", copy
    document = read(message.formatted, message.body)
    if targets(document):
        letter = "l" if message.attachment else "o"
        yield letter, "Open a link", wishes.Link(message)
    if has_spoiler(document):
        yield "s", "Show what is hidden, or hide it again", wishes.Reveal(message)
    for letter, label, key in _OF_KEYS:
        if (wish := wishes.of_key(key, message)) is not None:
            yield letter, label, wish
    if message.own and message.kind in (Kind.TEXT, Kind.NOTICE, Kind.EMOTE):
        yield "e", "Edit", wishes.Edit(message)
    match wishes.of_key("discard", message):
        case wishes.Discard() as discard:
            yield "d", "Discard", discard
        case wishes.Delete() as delete:
            yield "d", "Delete for everybody", delete


def _file_choices(message: Message) -> Iterator[tuple[str, str, wishes.Wish]]:
    if message.attachment is None:
        return
    if message.attachment.kind in VIEWABLE:
        yield "v", "Look at the image", wishes.View(message)
    yield "s", "Save the file", wishes.Save(message)
    yield "o", "Open it with another program", wishes.Open(message)


def about(
    message: Message,
    edits: Sequence[Milliseconds],
    readers: Sequence[tuple[Safe, Milliseconds]] = (),
) -> str:
    """Why it failed, who vouches for its sender, who reacted, when it was edited, who read it."""
    return "\n\n".join(part for part in _parts(message, edits, readers) if part)


def _parts(
    message: Message,
    edits: Sequence[Milliseconds],
    readers: Sequence[tuple[Safe, Milliseconds]],
) -> Iterator[str]:
    yield message.failure
    if message.failed_act is not None:
        yield message.failed_act.failure
    yield doubt_words(message.doubt)
    yield "\n".join(map(_given, message.reactions[:REACTIONS_SHOWN]))
    if edits:
        yield f"Edited {', '.join(map(_moment, edits[-3:]))}."
    if readers:
        read = (f"by {name}, {_moment(at)}" for name, at in readers[:_READERS])
        yield f"Read at the latest {'; '.join(read)}."


def _moment(at: Milliseconds) -> str:
    zone = SystemZone()
    return f"{local_time(at, zone).date().isoformat()} {clock_time(at, zone)}"


def _given(reactions: Reactions) -> str:
    names = ", ".join(reactions.names[:_NAMES])
    more = len(reactions.names) - _NAMES
    return f"{emoji_of(reactions)} {names}{f' and {more} more' if more > 0 else ''}"
