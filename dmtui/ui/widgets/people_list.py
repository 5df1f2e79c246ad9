"""The people list: two lines a person, virtualised, with the cursor held by the person."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from dmtui.core.model import Conversation, PeerState, Safe, UserId
from dmtui.core.times import list_time, local_time
from dmtui.ui.widgets.cells import clip, printable, strip
from dmtui.ui.widgets.line_view import LineView
from dmtui.ui.widgets.system_zone import SystemZone

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, tzinfo

    from textual import events

ROW_LINES = 2
LOCK = "⚷"
PAINTED_LIMIT = 512

_PEER_WORDS = {
    PeerState.JOINED: "",
    PeerState.INVITED: "(invited)",
    PeerState.LEFT: "(left)",
    PeerState.GROUP: "(group)",
}


class PeopleList(LineView):
    """Rows in the order given; ``requests`` names who asks, ``opened`` marks the one on show."""

    DEFAULT_CSS = """
    PeopleList {
        background: $background;
        color: $foreground;
        & > .people--name { text-style: none; }
        & > .people--name-unread { text-style: bold; }
        & > .people--dim { color: $text-muted; }
        & > .people--lock { color: $text-success; }
        & > .people--draft { color: $text-warning; text-style: italic; }
        & > .people--badge { color: $text-primary; text-style: bold; }
        & > .people--requests { color: $text-accent; text-style: bold; }
        & > .people--bar { color: $primary; }
        & > .people--cursor { background: $foreground 6%; }
        & > .people--opened { background: $primary 15%; }
        &:focus > .people--cursor { background: $primary 35%; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "people--name",
        "people--name-unread",
        "people--dim",
        "people--lock",
        "people--draft",
        "people--badge",
        "people--requests",
        "people--bar",
        "people--cursor",
        "people--opened",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Previous", show=False, id="people.up"),
        Binding("down,j", "move(1)", "Next", show=False, id="people.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="people.page-up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="people.page-down"),
        Binding("home", "edge(0)", "First", show=False, id="people.first"),
        Binding("end", "edge(-1)", "Last", show=False, id="people.last"),
        Binding("enter", "choose", "Open", show=False, id="people.open"),
    ]

    requests: reactive[tuple[Safe, ...]] = reactive(())
    opened: reactive[UserId | None] = reactive(None)
    empty_text: reactive[str] = reactive("Nobody here yet.\nPress Ctrl+N to start a chat.")

    class Selected(Message):
        """The user chose a person."""

        def __init__(self, user_id: UserId) -> None:
            super().__init__()
            self.user_id = user_id

    class RequestsSelected(Message):
        """The user chose the row of pending invites."""

    class Highlighted(Message):
        """The cursor came to another person; ``None`` is the row of requests, or no row."""

        def __init__(self, user_id: UserId | None) -> None:
            super().__init__()
            self.user_id = user_id

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.time,
        zone: tzinfo | None = None,
        id: str | None = None,  # noqa: A002 - Textual's name
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._now = now
        self._zone = zone or SystemZone()
        self._rows: Sequence[Conversation] = ()
        self._cursor = 0
        self._day: date | None = None
        self._painted: dict[tuple[Conversation, int, bool, bool], list[Strip]] = {}

    # -- what is shown ------------------------------------------------------------------------

    @property
    def rows(self) -> Sequence[Conversation]:
        """The people on show, in order."""
        return self._rows

    @property
    def cursor_person(self) -> UserId | None:
        """The person under the cursor; ``None`` on the requests row and in an empty list."""
        index = self._cursor - self._top_rows
        return self._rows[index].user_id if 0 <= index < len(self._rows) else None

    def update_rows(self, rows: Sequence[Conversation]) -> None:
        """Show these people, ordered and filtered; the cursor stays on its person if still here."""
        person = self.cursor_person
        had_people = bool(self._rows)
        self._rows = rows
        self._painted_today()
        self._fit()
        if not had_people:
            self._cursor = min(self._top_rows, self._last)
        elif person is not None:
            self._cursor = self._find(person, self._cursor)
        self._cursor = max(0, min(self._cursor, self._last))
        self.refresh()

    def highlight(self, user_id: UserId) -> None:
        """Put the cursor on this person, if listed, and show the row."""
        self._go(self._find(user_id, self._cursor))

    def highlight_first(self) -> None:
        """Put the cursor on the first person: the best hit while filtering."""
        self._go(self._top_rows)

    # -- inside ---------------------------------------------------------------------------------

    @property
    def _top_rows(self) -> int:
        return 1 if self.requests else 0

    @property
    def _last(self) -> int:
        return self._top_rows + len(self._rows) - 1

    def _find(self, user_id: UserId, otherwise: int) -> int:
        rows = self._rows
        guess = self._cursor - self._top_rows
        if 0 <= guess < len(rows) and rows[guess].user_id == user_id:
            return self._cursor
        for index, row in enumerate(rows):
            if row.user_id == user_id:
                return index + self._top_rows
        return otherwise

    def _fit(self) -> None:
        self.set_line_total(ROW_LINES * (self._top_rows + len(self._rows)))
        if self.scroll_y > self.max_scroll_y:
            self.scroll_to(y=self.max_scroll_y, animate=False)

    def _go(self, index: int) -> None:
        index = max(0, min(index, self._last))
        before = self.cursor_person
        self._cursor = index
        top = index * ROW_LINES
        if top < self.scroll_y:
            self.scroll_to(y=top, animate=False)
        elif top + ROW_LINES > self.scroll_y + self.line_count:
            self.scroll_to(y=top + ROW_LINES - self.line_count, animate=False)
        self.refresh()
        if (person := self.cursor_person) != before:
            self.post_message(self.Highlighted(person))

    def watch_requests(self, before: tuple[Safe, ...], after: tuple[Safe, ...]) -> None:
        if bool(before) != bool(after) and self._rows:
            self._cursor += 1 if after else -1
        self._cursor = max(0, min(self._cursor, self._last))
        self._fit()
        self.refresh()

    def watch_opened(self) -> None:
        self.refresh()

    def forget_painted(self) -> None:
        self._painted.clear()

    def _painted_today(self) -> None:
        today = local_time(int(self._now() * 1000), self._zone).date()
        if len(self._painted) > PAINTED_LIMIT or today != self._day:
            self._painted.clear()
            self._day = today

    # -- painting -------------------------------------------------------------------------------

    def paint_line(self, y: int, width: int) -> Strip:
        if self._last < 0:
            return self._paint_empty(y, width)
        index, line = divmod(y, ROW_LINES)
        if index > self._last:
            return Strip.blank(width, self.style_of(""))
        here = index == self._cursor
        if index < self._top_rows:
            return self._paint_requests(line, width, here)
        row = self._rows[index - self._top_rows]
        key = (row, width, here, row.user_id == self.opened)
        lines = self._painted.get(key)
        if lines is None:
            lines = self._paint_row(*key)
            self._painted[key] = lines
        return lines[line]

    def _paint_empty(self, y: int, width: int) -> Strip:
        lines = self.empty_text.split("\n")
        text = lines[y - 1] if 1 <= y <= len(lines) else ""
        style = self.style_of("people--dim")
        return strip([("  " + text, style)], width, self.style_of(""))

    def _paint_requests(self, line: int, width: int, here: bool) -> Strip:
        ground = self.style_of("people--cursor" if here else "")
        back = ground.background_style
        count, first = len(self.requests), self.requests[0]
        if line:
            others = "" if count == 1 else f" and {count - 1} more"
            wish = "wants to chat" if count == 1 else "want to chat"
            text = f"   {first}{others} {wish}"
            return strip([(text, self.style_of("people--dim") + back)], width, ground)
        words = f" ✉ {count} request" + ("" if count == 1 else "s")
        return strip([(words, self.style_of("people--requests") + back)], width, ground)

    def _paint_row(self, row: Conversation, width: int, here: bool, opened: bool) -> list[Strip]:
        ground_name = "people--cursor" if here else "people--opened" if opened else ""
        ground = self.style_of(ground_name)
        back = ground.background_style
        dim = self.style_of("people--dim") + back
        bar = ("▌" if opened else " ", self.style_of("people--bar") + back)
        lock = (LOCK if row.encrypted else " ", self.style_of("people--lock") + back)
        time_text = list_time(row.latest, int(self._now() * 1000), self._zone)
        name_style = self.style_of("people--name-unread" if row.unread else "people--name") + back
        states = self._states(row)
        room = width - 3 - len(time_text) - 2 - (len(states) + 1 if states else 0)
        name = clip(printable(row.name), max(room, 4))
        used = 3 + cell_len(name) + (len(states) + 1 if states else 0)
        gap = " " * max(1, width - used - len(time_text) - 1)
        first = [bar, lock, (" " + name, name_style)]
        if states:
            first.append((" " + states, dim))
        first.append((gap + time_text + " ", dim))
        badge = f" {row.unread if row.unread < 1000 else '999+'} " if row.unread else ""
        preview, style = (
            (f"Draft: {row.draft}", "people--draft") if row.draft else (row.preview, "people--dim")
        )
        shown = clip(printable(preview.replace("\n", " ")), max(0, width - 4 - len(badge)))
        gap = " " * max(0, width - 3 - cell_len(shown) - len(badge))
        second = [
            bar,
            ("  " + shown + gap, self.style_of(style) + back),
            (badge, self.style_of("people--badge") + back),
        ]
        return [strip(first, width, ground), strip(second, width, ground)]

    @staticmethod
    def _states(row: Conversation) -> str:
        words = [_PEER_WORDS[row.peer], "(flag pending)" if row.flag_pending else ""]
        return " ".join(word for word in words if word)

    # -- keys and mouse ---------------------------------------------------------------------------

    def action_move(self, step: int) -> None:
        self._go(self._cursor + step)

    def action_page(self, step: int) -> None:
        self._go(self._cursor + step * max(1, self.line_count // ROW_LINES - 1))

    def action_edge(self, index: int) -> None:
        self._go(index if index >= 0 else self._last)

    def action_choose(self) -> None:
        if (person := self.cursor_person) is not None:
            self.post_message(self.Selected(person))
        elif self.requests:
            self.post_message(self.RequestsSelected())

    def on_click(self, event: events.Click) -> None:
        index = (event.y + round(self.scroll_y)) // ROW_LINES
        if 0 <= index <= self._last:
            self._go(index)
            self.action_choose()

    def lines_resized(self) -> None:
        self._painted.clear()
        self._fit()
        self._go(self._cursor)
