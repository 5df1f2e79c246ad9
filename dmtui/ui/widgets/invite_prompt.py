"""The question an invite asks: chat, join as a room, decline, ignore, report, or later."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget

from dmtui.core.invites import common_ground, is_stranger
from dmtui.core.model import Invite, RoomId
from dmtui.ui.widgets.cells import printable
from dmtui.ui.widgets.doubled import Doubled

if TYPE_CHECKING:
    from textual import events


class Answer(StrEnum):
    """What the user wants done with an invite."""

    CHAT = "chat"
    ROOM = "room"
    DECLINE = "decline"
    IGNORE = "ignore"  # decline, and ignore the inviter
    REPORT = "report"  # decline, ignore and report
    LATER = "later"


_ANSWERS = (
    ("invite.chat", Answer.CHAT, "chat"),
    ("invite.room", Answer.ROOM, "accept as room"),
    ("invite.decline", Answer.DECLINE, "decline"),
    ("invite.ignore", Answer.IGNORE, "decline and ignore"),
    ("invite.report", Answer.REPORT, "report as well"),
    ("invite.later", Answer.LATER, "later"),
)
_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "invite.chat": "a",
        "invite.room": "r",
        "invite.decline": "d",
        "invite.ignore": "b",
        "invite.report": "p",
        "invite.later": "l",
        "invite.reveal": "m",
    }
)
_ROWS = (slice(0, 3), slice(3, 5), slice(5, None))
"""The answers side by side, so that no line is longer than a narrow conversation."""


class InvitePrompt(Widget, can_focus=True):
    """A panel for one invite; it takes no focus by itself: ``focus_key`` names the key that does.

    What the inviter wrote (message, room name) stays hidden until the user asks for it, and so
    does what a stranger goes by.
    """

    DEFAULT_CSS = """
    InvitePrompt {
        height: auto;
        max-height: 60%;
        overflow-y: auto;
        padding: 0 1;
        border: round $accent 60%;
        background: $background;
        link-style: none;
        link-color: $foreground;
        link-background: $background;
        &:focus { border: round $accent; }
        & > .invite--name { text-style: bold; }
        & > .invite--dim { color: $text-muted; }
        & > .invite--safe { color: $text-success; }
        & > .invite--warning { color: $text-warning; }
        & > .invite--key { color: $text-accent; text-style: bold; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "invite--name",
        "invite--dim",
        "invite--safe",
        "invite--warning",
        "invite--key",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "answer('chat')", "Chat", id="invite.chat"),
        Binding("r", "answer('room')", "Accept as room", id="invite.room"),
        Binding("d", "answer('decline')", "Decline", id="invite.decline"),
        Binding("b", "answer('ignore')", "Decline and ignore", id="invite.ignore"),
        Binding("p", "answer('report')", "Report as well", id="invite.report"),
        Binding("l,escape", "answer('later')", "Later", id="invite.later"),
        Binding("m", "reveal", "Show message", id="invite.reveal"),
    ]

    invite: reactive[Invite | None] = reactive(None, layout=True)
    waiting: reactive[int] = reactive(0, layout=True)
    focus_key: reactive[str] = reactive("Tab", layout=True)
    keys: reactive[Mapping[str, str]] = reactive(_KEYS, layout=True)
    revealed: reactive[bool] = reactive(False, layout=True)

    class Answered(Message):
        """The user answered the invite."""

        def __init__(self, room_id: RoomId, answer: Answer) -> None:
            super().__init__()
            self.room_id = room_id
            self.answer = answer

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._doubled = Doubled()

    def watch_invite(self, before: Invite | None, after: Invite | None) -> None:
        if before is None or after is None or before.room_id != after.room_id:
            self.revealed = False

    def watch_has_focus(self, value: bool) -> None:
        super().watch_has_focus(value)
        self.refresh(layout=True)

    def render(self) -> Content:
        invite = self.invite
        if invite is None:
            return Content("")
        ground = self._styled(common_ground(invite).capitalize(), "invite--dim")
        lines = [self._who(invite), self._what(invite), ground]
        if invite.looks_like:
            known = f"! Calls themselves like {invite.looks_like}, and is somebody else"
            lines.append(self._styled(printable(known), "invite--warning"))
        if invite.warning:
            lines.append(self._styled(f"! {printable(invite.warning)}", "invite--warning"))
        if self.revealed:
            lines.extend(self._hidden(invite))
        lines.append(self._keys(invite))
        return Content("\n").join(lines)

    def _styled(self, text: str, name: str) -> Content:
        return Content.styled(text, self.get_visual_style(name))

    def _who(self, invite: Invite) -> Content:
        name = printable(invite.inviter_name)
        user_id = printable(invite.inviter) or "Somebody"
        masked = is_stranger(invite) and not self.revealed
        if not name or name == user_id or masked:
            return self._styled(user_id, "invite--name")
        return Content.assemble(
            self._styled(name, "invite--name"), self._styled(f"  {user_id}", "invite--dim")
        )

    def _what(self, invite: Invite) -> Content:
        wish = "wants to chat with you" if invite.direct else "invites you to a room"
        parts = [Content(wish), self._styled(" · ", "invite--dim")]
        if invite.encrypted:
            parts.append(self._styled("encrypted", "invite--safe"))
        else:
            parts.append(self._styled("not encrypted", "invite--warning"))
        if self.waiting > 1:
            parts.append(self._styled(f" · {self.waiting - 1} more", "invite--dim"))
        return Content("").join(parts)

    def _hidden(self, invite: Invite) -> list[Content]:
        lines = []
        if invite.room_name:
            lines.append(Content(f"Room name: {printable(invite.room_name)}"))
        if invite.reason:
            lines.append(Content(f"Message: {printable(invite.reason)}"))
        return lines

    def _keys(self, invite: Invite) -> Content:
        if not self.has_focus:
            return self._styled(f"Press {self.focus_key} to answer", "invite--dim")
        items = [self._key(name, f"answer('{answer}')", text) for name, answer, text in _ANSWERS]
        hides_name = is_stranger(invite) and invite.inviter_name
        if (invite.reason or invite.room_name or hides_name) and not self.revealed:
            items.append(self._key("invite.reveal", "reveal", "show what they wrote"))
        gap = Content("   ")
        lines = (gap.join(items[row]) for row in _ROWS)
        return Content("\n").join(lines)

    def _key(self, name: str, action: str, text: str) -> Content:
        """Let a click do what the key does."""
        key = self._styled(self.keys[name], "invite--key")
        words = Content.assemble(key, Content(f" {text}"))
        return words.stylize(Style.from_meta({"@click": action}))

    def on_key(self, event: events.Key) -> None:
        """Have a doubled key answer one request, not the next one, too."""
        bound = self.screen.active_bindings.get(event.key)
        acts = bound is not None and bound.binding.action.startswith("answer(")
        if self._doubled(event) and acts:
            event.stop()

    def action_answer(self, answer: str) -> None:
        if self.invite is not None:
            self.post_message(self.Answered(self.invite.room_id, Answer(answer)))

    def action_reveal(self) -> None:
        self.revealed = True
