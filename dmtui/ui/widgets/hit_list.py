"""The messages found everywhere: one line each, with the hit in view."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.message import Message

from dmtui.core.formatted import in_a_row
from dmtui.core.search import Hit, Query, excerpt
from dmtui.core.times import list_time
from dmtui.ui.widgets.cells import clip, pad, printable, strip
from dmtui.ui.widgets.hits import marked
from dmtui.ui.widgets.line_view import LineView
from dmtui.ui.widgets.system_zone import SystemZone

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import tzinfo

    from textual import events
    from textual.strip import Strip

NEAR = 10
"""Rows from the end at which more are asked for."""

_NAME = 18
_TIME = 10


class HitList(LineView):
    """Parents call :meth:`show`; the keyboard stays with the field above it."""

    can_focus = False
    DEFAULT_CSS = """
    HitList {
        background: $surface;
        color: $foreground;
        & > .hits--name { text-style: bold; }
        & > .hits--dim { color: $text-muted; }
        & > .hits--hit { background: $warning 40%; color: $foreground; text-style: bold; }
        & > .hits--cursor { background: $primary 25%; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "hits--name",
        "hits--dim",
        "hits--hit",
        "hits--cursor",
    }

    class NearEnd(Message):
        """The cursor comes near the last row: more are wanted, if there are."""

    class Chosen(Message):
        """A row was clicked twice."""

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
        self._hits: Sequence[Hit] = ()
        self._query = Query()
        self._cursor = 0

    def show(self, hits: Sequence[Hit], query: Query, *, anew: bool = True) -> None:
        """Show these; unless they are ``anew``, the first of them were there before."""
        self._hits, self._query = hits, query
        self._cursor = 0 if anew else self._cursor
        self.set_line_total(len(hits))
        self._show_cursor()
        self.refresh()

    @property
    def current(self) -> Hit | None:
        """The hit under the cursor."""
        return self._hits[self._cursor] if self._hits else None

    def move(self, by: int) -> None:
        """To another row."""
        self._cursor = max(0, min(self._cursor + by, len(self._hits) - 1))
        self._show_cursor()
        self.refresh()
        if self._cursor >= len(self._hits) - NEAR:
            self.post_message(self.NearEnd())

    def page(self, direction: int) -> None:
        """As many as fit on the screen."""
        self.move(direction * max(1, self.line_count - 1))

    def _show_cursor(self) -> None:
        if self._cursor < self.scroll_y:
            self.scroll_to(y=self._cursor, animate=False, force=True)
        elif self._cursor >= self.scroll_y + self.line_count:
            self.scroll_to(y=self._cursor + 1 - self.line_count, animate=False, force=True)

    def lines_resized(self) -> None:
        self._show_cursor()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the user points."""
        index = round(self.scroll_y) + event.y
        if index < len(self._hits):
            self.move(index - self._cursor)
            if event.chain == 2:
                self.post_message(self.Chosen())

    def paint_line(self, y: int, width: int) -> Strip:
        plain = self.style_of("")
        if y >= len(self._hits):
            return strip([], width, plain)
        ground = self.style_of("hits--cursor") if y == self._cursor else plain
        back = ground.background_style
        hit = self._hits[y]
        named = width // 4 if width < 4 * _NAME else _NAME
        name = pad(clip(printable(hit.name), named), named)
        at = list_time(hit.message.sent_at, int(self._now() * 1000), self._zone)
        head = strip(
            [
                (f" {name}  ", self.style_of("hits--name") + back),
                (f"{at:<{_TIME}}  {_sender(hit)}", self.style_of("hits--dim") + back),
            ],
            min(width, named + _TIME + 5 + cell_len(_sender(hit))),
            ground,
        )
        room = self.line_width - head.cell_length
        said = in_a_row(hit.message.body, hit.message.formatted)
        words = clip(printable(excerpt(said, self._query, room // 3)), room)
        text = strip([(words, plain + back)], width - head.cell_length, ground)
        return head.join([head, marked(text, self._query, self.style_of("hits--hit"))])


def _sender(hit: Hit) -> str:
    """Who said it, where that is not the person whose chat it is."""
    if hit.message.own:
        return "You: "
    alone = hit.message.sender == hit.person
    return "" if alone else f"{clip(printable(hit.message.sender_name), _NAME)}: "
