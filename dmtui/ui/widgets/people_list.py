"""The people list: two lines a person, virtualised, with the cursor held by the person."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import replace
from enum import Enum, auto
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from dmtui.core.faces import FACES_FROM
from dmtui.core.model import Conversation, Safe, UserId
from dmtui.core.times import list_time, local_time
from dmtui.ui.widgets.cells import strip
from dmtui.ui.widgets.face import face_style
from dmtui.ui.widgets.line_view import LineView
from dmtui.ui.widgets.person_row import FACE, person_lines
from dmtui.ui.widgets.system_zone import SystemZone
from dmtui.ui.widgets.typing_line import typing_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, tzinfo

    from rich.style import Style
    from textual import events

ROW_LINES = 2
GROUPS = "Groups", "(not direct messages)"
PAINTED_LIMIT = 512


class _Apart(Enum):
    """What stands in the list besides people."""

    REQUESTS = auto()
    BACK = auto()
    GROUPS = auto()
    ARCHIVE = auto()


class PeopleList(LineView):
    """Rows in the order given; ``requests`` names who asks, ``opened`` marks the one on show.

    ``typing`` names who types in which of them, which is seen of those that are not open.
    Groups, which come last, get a heading that the cursor passes over.
    """

    DEFAULT_CSS = """
    PeopleList {
        background: $background;
        color: $foreground;
        & > .people--name { text-style: none; }
        & > .people--name-unread { text-style: bold; }
        & > .people--dim { color: $text-muted; }
        & > .people--lock { color: $text-success; }
        & > .people--draft { color: $text-warning; text-style: italic; }
        & > .people--typing { color: $text-success; text-style: italic; }
        & > .people--badge { color: $text-primary; text-style: bold; }
        & > .people--pin { color: $text-accent; }
        & > .people--warning { color: $text-warning; text-style: bold; }
        & > .people--heading { color: $text-muted; text-style: bold; }
        & > .people--requests { color: $text-accent; text-style: bold; }
        & > .people--bar { color: $primary; }
        & > .people--cursor { background: $foreground 6%; }
        & > .people--opened { background: $primary 15%; }
        &:focus > .people--cursor { background: $primary 25%; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "people--name",
        "people--name-unread",
        "people--dim",
        "people--lock",
        "people--draft",
        "people--typing",
        "people--badge",
        "people--pin",
        "people--warning",
        "people--heading",
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
    typing: reactive[Mapping[UserId, tuple[Safe, ...]]] = reactive(MappingProxyType({}))
    empty_text: reactive[str] = reactive("Nobody here yet.\nPress Ctrl+N to start a chat.")

    class Selected(Message):
        """The user chose a person."""

        def __init__(self, user_id: UserId) -> None:
            super().__init__()
            self.user_id = user_id

    class RequestsSelected(Message):
        """The user chose the row of pending invites."""

    class ArchiveSelected(Message):
        """The user chose to see those put away, or everybody else again."""

    class Highlighted(Message):
        """The cursor came to another person; ``None`` is a row of another kind, or no row."""

        def __init__(self, user_id: UserId | None) -> None:
            super().__init__()
            self.user_id = user_id

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.time,
        zone: tzinfo | None = None,
        plain: bool = False,
        id: str | None = None,  # noqa: A002 - Textual's name
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._now = now
        self._zone = zone or SystemZone()
        self._plain = plain
        self._rows: Sequence[Conversation] = ()
        self._groups: int | None = None  # the first row that is one
        self._archived = 0
        self._in_archive = False
        self._cursor = 0
        self._strayed = False  # the cursor is where it is because somebody went
        self._day: date | None = None
        self._painted: dict[tuple[Conversation, int, bool, bool, str], list[Strip]] = {}

    # -- what is shown ------------------------------------------------------------------------

    @property
    def rows(self) -> Sequence[Conversation]:
        """The people on show, in order."""
        return self._rows

    @property
    def cursor_person(self) -> UserId | None:
        """The person under the cursor; ``None`` on rows of another kind and in an empty list."""
        row = self._at(self._cursor)
        return None if row is None or isinstance(row, _Apart) else row.user_id

    @property
    def chosen_person(self) -> UserId | None:
        """The same, unless the cursor only came there because the person under it went."""
        return None if self._strayed else self.cursor_person

    def update_rows(
        self, rows: Sequence[Conversation], archived: int = 0, in_archive: bool = False
    ) -> None:
        """Show these people, ordered and filtered; the cursor stays on its person if still here.

        Where the person's room is listed as a group's now, or the reverse, it goes along; of one
        who is gone it goes to a neighbour.
        ``archived`` are so many who are put away and not shown; ``in_archive``: these rows are.
        """
        before = self._at(self._cursor)
        came_back = self._in_archive and not in_archive
        had_people = bool(self._rows) and in_archive == self._in_archive
        self._rows, self._archived, self._in_archive = rows, archived, in_archive
        first_group = bisect_left(rows, True, key=lambda row: row.group)
        self._groups = first_group if first_group < len(rows) else None
        self._painted_today()
        self._fit()
        at_end = came_back or before is _Apart.ARCHIVE
        if at_end and self._at(self._last) is _Apart.ARCHIVE:
            self._cursor = self._last
        elif not had_people:
            self._cursor = len(self._top)
        elif before is not None and not isinstance(before, _Apart):
            called = self._now_called(before)
            self._strayed |= all(row.user_id != called for row in rows)
            self._cursor = self._find(called, self._cursor)
            while self._cursor > len(self._top) and not self._is_somebody(self._cursor):
                self._cursor -= 1
        self._cursor = self._settled(self._cursor)
        self.refresh()

    def highlight(self, user_id: UserId) -> None:
        """Put the cursor on this person, if listed, and show the row."""
        self._go(self._find(user_id, self._cursor))

    def highlight_first(self) -> None:
        """Put the cursor on the first person: the best hit while filtering."""
        self._go(len(self._top))

    # -- inside ---------------------------------------------------------------------------------

    @property
    def _top(self) -> Sequence[_Apart]:
        if self._in_archive:
            return (_Apart.BACK,)
        return (_Apart.REQUESTS,) if self.requests else ()

    @property
    def _last(self) -> int:
        headings = int(self._groups is not None) + int(self._archived > 0)
        return len(self._top) + len(self._rows) + headings - 1

    def _at(self, index: int) -> Conversation | _Apart | None:
        """What stands there, counted from the top; ``None`` outside."""
        top = self._top
        if not 0 <= index <= self._last:
            return None
        if index < len(top):
            return top[index]
        place = index - len(top)
        if self._groups is not None and place >= self._groups:
            if place == self._groups:
                return _Apart.GROUPS
            place -= 1
        return self._rows[place] if place < len(self._rows) else _Apart.ARCHIVE

    def _now_called(self, before: Conversation) -> UserId:
        """Whose row it is: of the person, else of the room they were in."""
        if any(row.user_id == before.user_id for row in self._rows):
            return before.user_id
        same = (row.user_id for row in self._rows if row.room_id == before.room_id)
        return next(same, before.user_id)

    def _is_somebody(self, index: int) -> bool:
        row = self._at(index)
        return row is not None and not isinstance(row, _Apart)

    def _find(self, user_id: UserId, otherwise: int) -> int:
        here = self._at(self._cursor)
        if here is not None and not isinstance(here, _Apart) and here.user_id == user_id:
            return self._cursor
        for place, row in enumerate(self._rows):
            if row.user_id == user_id:
                heading = self._groups is not None and place >= self._groups
                return len(self._top) + place + heading
        return otherwise

    def _fit(self) -> None:
        self.set_line_total(ROW_LINES * (self._last + 1))
        if self.scroll_y > self.max_scroll_y:
            self.scroll_to(y=self.max_scroll_y, animate=False)

    def _settled(self, index: int) -> int:
        """A row that the cursor can be on, past a heading in the way."""
        index = max(0, min(index, self._last))
        if self._at(index) is _Apart.GROUPS:
            return index - 1 if 0 < index < self._cursor else index + 1
        return index

    def _go(self, index: int) -> None:
        index = self._settled(index)
        self._strayed = False
        before = self.cursor_person
        self._cursor = index
        headed = self._at(index - 1) is _Apart.GROUPS
        top = (index - headed) * ROW_LINES
        if top < self.scroll_y:
            self.scroll_to(y=top, animate=False)
        elif (index + 1) * ROW_LINES > self.scroll_y + self.line_count:
            self.scroll_to(y=(index + 1) * ROW_LINES - self.line_count, animate=False)
        self.refresh()
        if (person := self.cursor_person) != before:
            self.post_message(self.Highlighted(person))

    def watch_requests(self, before: tuple[Safe, ...], after: tuple[Safe, ...]) -> None:
        if bool(before) != bool(after) and self._rows and not self._in_archive:
            self._cursor += 1 if after else -1
        self._cursor = self._settled(self._cursor)
        self._fit()
        self.refresh()

    def watch_opened(self) -> None:
        self.refresh()

    def watch_typing(self) -> None:
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
        here = index == self._cursor
        match self._at(index):
            case None:
                return Strip.blank(width, self.style_of(""))
            case _Apart() as apart:
                return self._paint_apart(apart, line, width, here)
            case row:
                if self._in_archive:  # where it goes without saying
                    row = replace(row, archived=False)
                key = (row, width, here, row.user_id == self.opened, self._typing_words(row))
                if key not in self._painted:
                    self._painted[key] = self._paint_row(*key)
                return self._painted[key][line]

    def _paint_empty(self, y: int, width: int) -> Strip:
        lines = self.empty_text.split("\n")
        text = lines[y - 1] if 1 <= y <= len(lines) else ""
        style = self.style_of("people--dim")
        return strip([("  " + text, style)], width, self.style_of(""))

    def _paint_apart(self, apart: _Apart, line: int, width: int, here: bool) -> Strip:
        ground = self.style_of("people--cursor" if here else "")
        name = ("people--requests", "people--dim")[line]
        match apart:
            case _Apart.REQUESTS:
                words = self._request_words(line)
            case _Apart.BACK:
                words = (" < Everybody", f"   {len(self._rows)} archived")[line]
            case _Apart.ARCHIVE:
                name = ("people--heading", "people--dim")[line]
                words = (f" Archived ({self._archived})", "   Enter shows them")[line]
            case _Apart.GROUPS:
                name = "people--heading"
                whole = " ".join(GROUPS)
                words = " " + (("", whole) if len(whole) < width else GROUPS)[line]
        style = self.style_of(name) + ground.background_style
        return strip([(words, style)], width, ground)

    def _request_words(self, line: int) -> str:
        count, first = len(self.requests), self.requests[0]
        if line == 0:
            sign = "" if self._plain else "✉ "
            return f" {sign}{count} request" + ("" if count == 1 else "s")
        others = "" if count == 1 else f" and {count - 1} more"
        return f"   {first}{others} {'wants' if count == 1 else 'want'} to chat"

    def _typing_words(self, row: Conversation) -> str:
        """Who is typing there; nothing where it is said elsewhere, or read out."""
        names = self.typing.get(row.user_id, ())
        if not names or self._plain or row.user_id == self.opened:
            return ""
        return typing_words(names) if row.group else "typing…"

    def _paint_row(
        self, row: Conversation, width: int, here: bool, opened: bool, typing: str
    ) -> list[Strip]:
        ground = self.style_of("people--cursor" if here else "people--opened" if opened else "")
        dim = "people--name" if here else "people--dim"  # grey is too faint on the highlight
        ansi = self.app.native_ansi_color

        def style(name: str) -> Style:
            if name.startswith(FACE):
                return face_style(int(name.removeprefix(FACE)), ansi).rich_style
            found = self.style_of(dim if name == "people--dim" else name)
            return found + ground.background_style

        time_text = list_time(row.latest, int(self._now() * 1000), self._zone)
        return [
            strip([(text, style(name)) for text, name in parts], width, ground)
            for parts in person_lines(
                row,
                width,
                time_text,
                opened,
                typing=typing,
                plain=self._plain,
                faces=self.outer_size.width >= FACES_FROM,
            )
        ]

    # -- keys and mouse ---------------------------------------------------------------------------

    def action_move(self, step: int) -> None:
        self._go(self._cursor + step)

    def action_page(self, step: int) -> None:
        self._go(self._cursor + step * max(1, self.line_count // ROW_LINES - 1))

    def action_edge(self, index: int) -> None:
        self._go(index if index >= 0 else self._last)

    def action_choose(self) -> None:
        match self._at(self._cursor):
            case None | _Apart.GROUPS:
                pass
            case _Apart.REQUESTS:
                self.post_message(self.RequestsSelected())
            case _Apart():
                self.post_message(self.ArchiveSelected())
            case person:
                self.post_message(self.Selected(person.user_id))

    def on_click(self, event: events.Click) -> None:
        index = (event.y + round(self.scroll_y)) // ROW_LINES
        if self._at(index) not in (None, _Apart.GROUPS):
            self._go(index)
            self.action_choose()

    def lines_resized(self) -> None:
        self._painted.clear()
        self._fit()
        self._go(self._cursor)
