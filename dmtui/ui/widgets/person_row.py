"""A person's two lines in the people list, as texts with the names of their styles."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from rich.cells import cell_len

from dmtui.core.faces import hue
from dmtui.core.model import PeerState
from dmtui.ui.widgets.cells import clip, printable
from dmtui.ui.widgets.face import TAG_CELLS, tag

if TYPE_CHECKING:
    from dmtui.core.model import Conversation

LOCK = "⚷"
PIN = "^"
WARNING = "!"
DOT = "●"
FACE = "face "
"""Begins the name of a style that is a person's colour; the number of the hue follows."""

Parts: TypeAlias = "list[tuple[str, str]]"

_PEER_WORDS = {
    PeerState.JOINED: "",
    PeerState.INVITED: "(invited)",
    PeerState.DECLINED: "(declined)",
    PeerState.LEFT: "(left)",
    PeerState.BANNED: "(banned)",
    PeerState.GROUP: "",  # the heading says so
}


def person_lines(
    row: Conversation,
    width: int,
    time: str,
    opened: bool,
    *,
    typing: str = "",
    plain: bool = False,
    faces: bool = True,
) -> tuple[Parts, Parts]:
    """Both lines, for ``width`` cells: who and when, what and how much of it is unread.

    ``typing`` takes the place of the last message. With ``faces`` their initials stand before both.
    ``plain`` says in words what signs stand for.
    """
    if plain:
        return _in_words(row, time, opened)
    bar = ("▌" if opened else " ", "people--bar")
    if not faces:
        return [bar, *_who(row, width, time)], [bar, *_what(row, width, typing)]
    width -= TAG_CELLS
    face = (tag(row.name, row.user_id), f"{FACE}{hue(row.user_id)}")
    below = (" " * TAG_CELLS, "people--dim")
    return [bar, face, *_who(row, width, time)], [bar, below, *_what(row, width, typing)]


def _who(row: Conversation, width: int, time: str) -> Parts:
    words = _states(row)
    states = f" {words}" if words else ""
    name = clip(printable(row.name), max(width - 3 - len(time) - 2 - len(states), 4))
    gap = " " * max(1, width - 3 - cell_len(name) - len(states) - len(time) - 1)
    return [
        (LOCK if row.encrypted else " ", "people--lock"),
        _mark(row),
        (name, "people--name-unread" if _calls(row) else "people--name"),
        (f"{states}{gap}{time} ", "people--dim"),
    ]


def _in_words(row: Conversation, time: str, opened: bool) -> tuple[Parts, Parts]:
    marked = "marked as unread" if row.marked_unread else ""
    unread = f"{row.unread} unread" if row.unread else marked
    states = (
        unread,
        "open" if opened else "",
        "pinned" if row.pinned else "",
        "muted" if row.muted else "",
        "encrypted" if row.encrypted else "",
        _states(row).replace(") (", ", ").strip("()"),
        f"looks like {row.looks_like}" if row.looks_like else "",
        time,
    )
    said = f"Draft: {row.draft}" if row.draft else str(row.preview)
    name = ("people--name-unread" if _calls(row) else "people--name",)
    return (
        [
            (f" {printable(row.name)}", *name),
            (f", {printable(', '.join(filter(None, states)))}", "people--dim"),
        ],
        [(f"   {printable(said.replace(chr(10), ' '))}", "people--dim")],
    )


def _what(row: Conversation, width: int, typing: str) -> Parts:
    badge = _badge(row)
    room = max(0, width - 4 - len(badge))
    text, style = str(row.preview), "people--dim"
    if row.draft:
        text, style = f"Draft: {row.draft}", "people--draft"
    elif typing:
        text, style = typing, "people--typing"
    warning = f"looks like {row.looks_like}" if row.looks_like else ""
    warning = clip(printable(f"{warning}. " if warning and text else warning), room)
    said = clip(printable(text.replace("\n", " ")), room - cell_len(warning))
    gap = " " * max(0, width - 3 - cell_len(warning) - cell_len(said) - len(badge))
    return [
        (f"  {warning}", "people--warning"),
        (said + gap, style),
        (badge, "people--badge" if _calls(row) else "people--dim"),
    ]


def _calls(row: Conversation) -> bool:
    """Whether what is unread of it is to catch the eye."""
    return row.is_unread and not row.muted


def _mark(row: Conversation) -> tuple[str, str]:
    """What stands before the name."""
    if row.looks_like:
        return WARNING, "people--warning"
    return PIN if row.pinned else " ", "people--pin"


def _states(row: Conversation) -> str:
    words = (
        _PEER_WORDS[row.peer],
        "(archived)" if row.archived else "",
        "(flag pending)" if row.flag_pending else "",
    )
    return " ".join(word for word in words if word)


def _badge(row: Conversation) -> str:
    """At the end of the second line: whether they are muted, and how many are unread, or a dot."""
    count = str(row.unread) if row.unread < 1000 else "999+"
    words = ["muted"] if row.muted else []
    words += [count if row.unread else DOT] if row.is_unread else []
    return f" {' '.join(words)} " if words else ""
