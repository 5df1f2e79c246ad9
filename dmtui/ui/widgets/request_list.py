"""All requests at once: in sections by standing, virtualised, the cursor held by the request."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive

from dmtui.core.invites import common_ground, is_stranger, server_of, shown_name
from dmtui.core.model import Invite, RoomId, Standing
from dmtui.core.times import list_time
from dmtui.ui.widgets.cells import clip, printable, strip
from dmtui.ui.widgets.doubled import Doubled
from dmtui.ui.widgets.invite_prompt import Answer
from dmtui.ui.widgets.line_view import LineView
from dmtui.ui.widgets.system_zone import SystemZone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import tzinfo

    from textual import events
    from textual.strip import Strip

_SECTIONS = {
    Standing.CONTACT: "Your people",
    Standing.VERIFIED: "Verified by you",
    Standing.SHARES_ROOMS: "In rooms with you",
    Standing.SAME_SERVER: "On your server",
    Standing.STRANGER: "Strangers",
}
ROOMS = "Room invites, which are no direct chats"


class _Line(NamedTuple):
    """A line of the list: of a request, or with ``row`` -1 a heading or an empty line."""

    row: int
    part: int
    text: str = ""


class RequestList(LineView):
    """What strangers call themselves and write stays hidden until the user asks for it."""

    DEFAULT_CSS = """
    RequestList {
        background: $surface;
        color: $foreground;
        & > .requests--heading { color: $text-primary; text-style: bold; }
        & > .requests--name { text-style: bold; }
        & > .requests--dim { color: $text-muted; }
        & > .requests--safe { color: $text-success; }
        & > .requests--warning { color: $text-warning; }
        & > .requests--mark { color: $text-accent; text-style: bold; }
        & > .requests--cursor { background: $primary 25%; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "requests--heading",
        "requests--name",
        "requests--dim",
        "requests--safe",
        "requests--warning",
        "requests--mark",
        "requests--cursor",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Previous", show=False, id="requests.up"),
        Binding("down,j", "move(1)", "Next", show=False, id="requests.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="requests.page-up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="requests.page-down"),
        Binding("home", "edge(0)", "First", show=False, id="requests.first"),
        Binding("end", "edge(-1)", "Last", show=False, id="requests.last"),
        Binding("a", "answer('chat')", "Chat", show=False, id="requests.chat"),
        Binding("r", "answer('room')", "Accept as a room", show=False, id="requests.room"),
        Binding("d", "answer('decline')", "Decline", show=False, id="requests.decline"),
        Binding("b", "answer('ignore')", "Decline and ignore", show=False, id="requests.ignore"),
        Binding("p", "answer('report')", "Report as well", show=False, id="requests.report"),
        Binding("l", "answer('later')", "Later", show=False, id="requests.later"),
        Binding("m,enter", "reveal", "Show what they wrote", show=False, id="requests.reveal"),
        Binding("space", "mark", "Mark", show=False, id="requests.mark"),
        Binding("s", "mark_server", "Mark all of a server", show=False, id="requests.server"),
        Binding("t", "mark_strangers", "Mark all strangers", show=False, id="requests.strangers"),
        Binding("u", "unmark", "Unmark all", show=False, id="requests.unmark"),
    ]

    marked: reactive[frozenset[RoomId]] = reactive(frozenset[RoomId]())

    class Answered(Message):
        """The user answered these: the marked ones, else the one under the cursor."""

        def __init__(self, invites: tuple[Invite, ...], answer: Answer) -> None:
            super().__init__()
            self.invites = invites
            self.answer = answer

    class Marked(Message):
        """Other requests are marked than before."""

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.time,
        zone: tzinfo | None = None,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(id=id)
        self._now = now
        self._zone = zone or SystemZone()
        self._invites: tuple[Invite, ...] = ()
        self._content: list[_Line] = []
        self._first_lines: list[int] = []
        self._cursor = 0
        self._revealed: set[RoomId] = set()
        self._doubled = Doubled()

    # -- what is shown --

    @property
    def invites(self) -> Sequence[Invite]:
        """The requests on show, in order."""
        return self._invites

    @property
    def current(self) -> Invite | None:
        """The one under the cursor."""
        return self._invites[self._cursor] if self._invites else None

    def update_rows(self, invites: Iterable[Invite]) -> None:
        """Show these, ordered; the cursor stays on its request, else where it was."""
        before = self.current
        self._invites = tuple(invites)
        rooms = [invite.room_id for invite in self._invites]
        self._revealed &= set(rooms)
        self.marked &= frozenset(rooms)
        if before is not None and before.room_id in rooms:
            self._cursor = rooms.index(before.room_id)
        self._cursor = max(0, min(self._cursor, len(rooms) - 1))
        self._arrange()

    def _arrange(self) -> None:
        self._content, self._first_lines = [], []
        heading = ""
        sizes: dict[str, int] = {}
        for invite in self._invites:
            sizes[_section(invite)] = sizes.get(_section(invite), 0) + 1
        for index, invite in enumerate(self._invites):
            if (section := _section(invite)) != heading:
                if heading:
                    self._content.append(_Line(-1, 0))
                self._content.append(_Line(-1, 0, f" {section}  {sizes[section]}"))
                heading = section
            self._first_lines.append(len(self._content))
            height = 2 + len(self._hidden(invite))
            self._content += [_Line(index, part) for part in range(height)]
        self.set_line_total(max(1, len(self._content)))
        self._show_cursor()
        self.refresh()

    def _hidden(self, invite: Invite) -> list[str]:
        """What the inviter wrote, once asked for."""
        if invite.room_id not in self._revealed:
            return []
        texts = {"calls themselves": invite.inviter_name, "writes": invite.reason}
        if is_stranger(invite):
            texts["room name"] = invite.room_name
        found = [f"{what}: {text}" for what, text in texts.items() if text]
        return found or ["wrote nothing"]

    # -- keys --

    def on_key(self, event: events.Key) -> None:
        """Have a doubled key answer one request, not the next one, too."""
        bound = self.screen.active_bindings.get(event.key)
        action = "" if bound is None else bound.binding.action
        acts = action.startswith("answer(") and action != "answer('later')"  # which harms nobody
        if self._doubled(event) and acts:
            event.stop()

    def listen_anew(self) -> None:
        """Another screen was before the list: the next key is meant."""
        self._doubled.forget()

    def action_move(self, by: int) -> None:
        """To another request."""
        self._go(self._cursor + by)

    def action_page(self, direction: int) -> None:
        """As many as fit on the screen."""
        self._go(self._cursor + direction * max(1, self.line_count // 2 - 1))

    def action_edge(self, index: int) -> None:
        """To the first or the last."""
        self._go(len(self._invites) - 1 if index else 0)

    def _go(self, index: int) -> None:
        self._cursor = max(0, min(index, len(self._invites) - 1))
        self._show_cursor()
        self.refresh()

    def _show_cursor(self) -> None:
        """Scroll so far that the request is on the screen, the first one with its heading."""
        if not self._invites or not self.line_count:
            return
        first = self._first_lines[self._cursor]
        last = first + 1 + len(self._hidden(self._invites[self._cursor]))
        top = 0 if self._cursor == 0 else first - 1
        if top < self.scroll_y:
            self.scroll_to(y=top, animate=False)
        elif last >= self.scroll_y + self.line_count:
            self.scroll_to(y=last + 1 - self.line_count, animate=False)

    def action_answer(self, answer: str) -> None:
        """The marked ones, if they can be answered together, else this one."""
        wanted = Answer(answer)
        many = wanted in (Answer.DECLINE, Answer.IGNORE, Answer.REPORT)
        invites = tuple(i for i in self._invites if many and i.room_id in self.marked)
        if not invites and self.current is not None:
            invites = (self.current,)
        if invites:
            self.post_message(self.Answered(invites, wanted))

    def action_reveal(self) -> None:
        """Show what they wrote, or hide it again."""
        if self.current is not None:
            self._revealed ^= {self.current.room_id}
            self._arrange()

    def action_mark(self) -> None:
        """Mark this one, or no longer, and go on to the next."""
        if self.current is not None:
            self.marked ^= {self.current.room_id}
            self._go(self._cursor + 1)

    def action_mark_server(self) -> None:
        """Mark everybody of the server that this one is of, but no people of mine."""
        if self.current is not None:
            server = server_of(self.current.inviter)
            self._mark(i for i in self._invites if server_of(i.inviter) == server)

    def action_mark_strangers(self) -> None:
        """Mark everybody with whom I have nothing in common."""
        self._mark(i for i in self._invites if i.standing is Standing.STRANGER)

    def action_unmark(self) -> None:
        """Mark nobody."""
        self.marked = frozenset()

    def _mark(self, invites: Iterable[Invite]) -> None:
        known = (Standing.CONTACT, Standing.VERIFIED)
        self.marked |= {i.room_id for i in invites if i.standing not in known}

    def watch_marked(self) -> None:
        self.refresh()
        self.post_message(self.Marked())

    def lines_resized(self) -> None:
        self._show_cursor()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the user points."""
        y = round(self.scroll_y) + event.y
        if 0 <= y < len(self._content) and (index := self._content[y].row) >= 0:
            self._go(index)

    # -- painting --

    def paint_line(self, y: int, width: int) -> Strip:
        plain = self.style_of("")
        if not self._invites:
            text = "  Nobody is waiting for an answer." if y == 0 else ""
            return strip([(text, self.style_of("requests--dim"))], width, plain)
        line = self._content[y] if y < len(self._content) else _Line(-1, 0)
        if line.row < 0:
            return strip([(line.text, self.style_of("requests--heading"))], width, plain)
        invite = self._invites[line.row]
        ground = self.style_of("requests--cursor" if line.row == self._cursor else "")
        parts = self._parts(invite, line.part, width)
        back = ground.background_style
        return strip([(text, self.style_of(name) + back) for text, name in parts], width, ground)

    def _parts(self, invite: Invite, part: int, width: int) -> list[tuple[str, str]]:
        if part == 0:
            return self._who(invite, width)
        if part == 1:
            return self._what(invite)
        return [(f"     {self._hidden(invite)[part - 2]}", "")]

    def _who(self, invite: Invite, width: int) -> list[tuple[str, str]]:
        mark = " ✓ " if invite.room_id in self.marked else "   "
        at = list_time(invite.received, int(self._now() * 1000), self._zone)
        name = printable(shown_name(invite))
        user_id = "" if is_stranger(invite) else f"  {printable(invite.inviter)}"
        room = max(4, width - 3 - len(at) - 2)
        name = clip(name, room)
        user_id = clip(user_id, room - cell_len(name))
        gap = " " * max(1, width - 3 - cell_len(name) - cell_len(user_id) - len(at) - 1)
        return [
            (mark, "requests--mark"),
            (name, "requests--name"),
            (user_id, "requests--dim"),
            (f"{gap}{at} ", "requests--dim"),
        ]

    @staticmethod
    def _what(invite: Invite) -> list[tuple[str, str]]:
        if invite.warning:
            return [(f"   ! {invite.warning}", "requests--warning")]
        if invite.looks_like:
            known = printable(invite.looks_like)
            words = f"   ! Calls themselves like {known}, and is somebody else"
            return [(words, "requests--warning")]
        named = invite.room_name and not is_stranger(invite)
        wish = f"invites to {printable(invite.room_name) if named else 'a room'}"
        ground = [common_ground(invite)] if invite.direct else [wish, common_ground(invite)]
        sealed = invite.encrypted
        return [
            ("   " + " · ".join(ground) + " · ", "requests--dim"),
            (
                "encrypted" if sealed else "not encrypted",
                "requests--safe" if sealed else "requests--warning",
            ),
        ]


def _section(invite: Invite) -> str:
    return _SECTIONS[invite.standing] if invite.direct else ROOMS
