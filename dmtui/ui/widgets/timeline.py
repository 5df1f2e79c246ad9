"""The conversation: messages painted line by line, scrolled without ever jumping."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message as Posted
from textual.reactive import reactive
from textual.strip import Strip

from dmtui.core.model import Message, SendState
from dmtui.core.timeline import MessageRow, Row, arrange
from dmtui.core.times import local_time
from dmtui.ui.widgets.cells import strip
from dmtui.ui.widgets.line_view import LineView
from dmtui.ui.widgets.message_lines import NAME_COLOURS, Shape, paint, shape
from dmtui.ui.widgets.system_zone import SystemZone

TOP_LINES = 2
"""The line above the oldest message, and a blank one."""


class Block:
    """A row with its shape at one width and, once it was on screen, its painted lines."""

    __slots__ = ("painted", "row", "shape", "width")

    def __init__(self, row: Row, width: int) -> None:
        self.row = row
        self.width = width
        self.shape: Shape = shape(row, width)
        self.painted: list[Strip] | None = None


class Timeline(LineView):
    """A window of messages, oldest first; parents call :meth:`show` whenever it changed."""

    DEFAULT_CSS = """
    Timeline {
        background: $background;
        color: $foreground;
        & > .timeline--text { text-style: none; }
        & > .timeline--dim { color: $text-muted; }
        & > .timeline--aside { color: $text-muted; text-style: italic; }
        & > .timeline--undecryptable { color: $text-warning; text-style: italic; }
        & > .timeline--failed { color: $text-error; }
        & > .timeline--read { color: $text-success; }
        & > .timeline--day { color: $foreground 40%; }
        & > .timeline--new { color: $text-accent; text-style: bold; }
        & > .timeline--me { color: $text-muted; text-style: bold; }
        & > .timeline--name-0 { color: $text-primary; text-style: bold; }
        & > .timeline--name-1 { color: $text-success; text-style: bold; }
        & > .timeline--name-2 { color: $text-accent; text-style: bold; }
        & > .timeline--name-3 { color: $text-secondary; text-style: bold; }
        & > .timeline--name-4 { color: $text-warning; text-style: bold; }
        & > .timeline--bar { color: $primary; }
        & > .timeline--cursor { background: $foreground 6%; }
        &:focus > .timeline--cursor { background: $primary 20%; }
        & > .timeline--pill {
            background: $primary;
            color: $button-color-foreground;
            text-style: bold;
        }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "timeline--text",
        "timeline--dim",
        "timeline--aside",
        "timeline--undecryptable",
        "timeline--failed",
        "timeline--read",
        "timeline--day",
        "timeline--new",
        "timeline--me",
        *(f"timeline--name-{number}" for number in range(NAME_COLOURS)),
        "timeline--bar",
        "timeline--cursor",
        "timeline--pill",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Older", show=False, id="timeline.up"),
        Binding("down,j", "move(1)", "Newer", show=False, id="timeline.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="timeline.page-up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="timeline.page-down"),
        Binding("home", "oldest", "Oldest", show=False, id="timeline.oldest"),
        Binding("end", "newest", "Newest", show=False, id="timeline.newest"),
        Binding("enter", "choose", "Actions", show=False, id="timeline.choose"),
        Binding("y", "copy", "Copy", show=False, id="timeline.copy"),
        Binding("x", "retry", "Retry", show=False, id="timeline.retry"),
        Binding("d", "discard", "Discard", show=False, id="timeline.discard"),
        Binding("e", "edit", "Edit", show=False, id="timeline.edit"),
    ]

    loading_older: reactive[bool] = reactive(False)
    empty_text: reactive[str] = reactive("")

    class ReachedTop(Posted):
        """The oldest message of the window is on screen and older ones are wanted."""

    class PassedEnd(Posted):
        """↓ was pressed on the newest message: the composer is wanted."""

    class OfMessage(Posted):
        """Something is wanted of one message."""

        def __init__(self, message: Message) -> None:
            super().__init__()
            self.message = message

    class MessageChosen(OfMessage):
        """Enter was pressed on a message, or it was double-clicked."""

    class RetryWanted(OfMessage):
        """A failed message is to be sent again."""

    class DiscardWanted(OfMessage):
        """A message that was not sent is to be thrown away."""

    class EditWanted(OfMessage):
        """A message of ours is to be edited."""

    class CopyWanted(OfMessage):
        """A message's text is to be copied."""

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
        self._messages: Sequence[Message] = ()
        self._complete = False
        self._first_unread: str | None = None
        self._blocks: list[Block] = []
        self._block_of: dict[str, Block] = {}
        self._tops: list[int] = []
        self._pad = 0
        self._follow = True
        self._new_below = 0
        self._cursor: str | None = None
        self._asked_at: str | None = None
        self._shown = False

    # -- for the parent -----------------------------------------------------------------------

    def show(
        self,
        messages: Sequence[Message],
        *,
        complete: bool = False,
        first_unread: str | None = None,
    ) -> None:
        """Show this window: the reader's place is kept, or the end is followed if it was on show.

        ``complete``: the first message is the beginning of the conversation.
        """
        if not self._follow:
            self._new_below += _count_new(self._messages, messages)
        self._shown = True
        self._messages = messages
        self._complete = complete
        self._first_unread = first_unread
        if self._cursor is not None and all(m.key != self._cursor for m in reversed(messages)):
            self._cursor = None
        self._arrange()

    def open(
        self,
        messages: Sequence[Message],
        *,
        complete: bool = False,
        first_unread: str | None = None,
    ) -> None:
        """Show another conversation: at its "new messages" line if there is one, else its end."""
        self._follow, self._new_below, self._cursor, self._asked_at = True, 0, None, None
        self._block_of.clear()
        self.show(messages, complete=complete, first_unread=first_unread)
        if first_unread is not None:
            self.show_message(first_unread)

    def follow(self) -> None:
        """Go to the newest message and stay there."""
        self._follow, self._new_below = True, 0
        self._scroll_to_line(round(self.max_scroll_y))
        self.refresh()

    def select_newest(self) -> None:
        """Put the cursor on the newest message."""
        self._select(self._cursor_index(len(self._blocks), -1))

    def clear_selection(self) -> None:
        """Take the cursor off the messages."""
        self._cursor = None
        self.refresh()

    def show_message(self, key: str, *, select: bool = False) -> None:
        """Scroll so that the message and the lines before it are on screen."""
        index = next((i for i, block in enumerate(self._blocks) if block.row.key == key), None)
        if index is None:
            return
        if select:
            self._cursor = key
        self._reveal(max(0, index - 1), index)
        self.refresh()

    @property
    def cursor_message(self) -> Message | None:
        """The selected message."""
        block = self._block_of.get(self._cursor) if self._cursor else None
        return block.row.message if block and isinstance(block.row, MessageRow) else None

    @property
    def following(self) -> bool:
        """Whether the newest message is on screen and new ones scroll in."""
        return self._follow

    @property
    def new_below(self) -> int:
        """Messages that came in below the screen since the reader scrolled up."""
        return self._new_below

    # -- layout ---------------------------------------------------------------------------------

    def _arrange(self) -> None:
        width = self.line_width
        if width <= 0:
            return
        anchor = None if self._follow else self._anchor()
        today = local_time(int(self._now() * 1000), self._zone).date()
        known, blocks = self._block_of, []
        for row in arrange(self._messages, today, self._zone, self._first_unread):
            block = known.get(row.key)
            if block is None or block.width != width or block.row != row:
                block = Block(row, width)
            blocks.append(block)
        self._blocks = blocks
        self._block_of = {block.row.key: block for block in blocks}
        self._place(anchor)

    def _place(self, anchor: tuple[str, int] | None) -> None:
        total = TOP_LINES + sum(block.shape.height for block in self._blocks)
        self._pad = max(0, self.line_count - total)
        tops, top = [], self._pad + TOP_LINES
        for block in self._blocks:
            tops.append(top)
            top += block.shape.height
        self._tops = tops
        follow = self._follow
        self.set_line_total(top)
        if follow:
            self._scroll_to_line(round(self.max_scroll_y))
        elif anchor is not None:
            self._restore(anchor)
        self._follow = follow or self._follow
        self.refresh()
        self._ask_for_older(insist=False)

    def _anchor(self) -> tuple[str, int] | None:
        """The first message whose text is on screen, and the screen line where it begins."""
        top = round(self.scroll_y)
        for index in range(self._index_at(top), len(self._blocks)):
            block = self._blocks[index]
            if isinstance(block.row, MessageRow):
                return block.row.key, self._tops[index] + block.shape.lead - top
        return None

    def _restore(self, anchor: tuple[str, int]) -> None:
        key, line = anchor
        for index, block in enumerate(self._blocks):
            if block.row.key == key:
                self._scroll_to_line(self._tops[index] + block.shape.lead - line)
                return

    def _scroll_to_line(self, y: int) -> None:
        self.scroll_to(y=y, animate=False, force=True)

    def _index_at(self, y: int) -> int:
        return max(0, bisect_right(self._tops, y) - 1)

    def _reveal(self, first: int, last: int) -> None:
        top = self._tops[first]
        bottom = self._tops[last] + self._blocks[last].shape.height
        if top < self.scroll_y or bottom - top > self.line_count:
            self._scroll_to_line(top)
        elif bottom > self.scroll_y + self.line_count:
            self._scroll_to_line(bottom - self.line_count)

    def lines_resized(self) -> None:
        self._arrange()

    def forget_painted(self) -> None:
        for block in self._block_of.values():
            block.painted = None

    def watch_loading_older(self) -> None:
        self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._follow = new_value >= self.max_scroll_y
        if self._follow:
            self._new_below = 0
        if new_value < old_value:
            self._ask_for_older(insist=False)

    def _ask_for_older(self, *, insist: bool) -> None:
        if self._complete or self.loading_older or not self._shown or self.scroll_y > 0:
            return
        oldest = self._messages[0].key if self._messages else ""
        if insist or self._asked_at != oldest:
            self._asked_at = oldest
            self.post_message(self.ReachedTop())

    # -- painting -------------------------------------------------------------------------------

    def render_lines(self, crop: Region) -> list[Strip]:
        strips = super().render_lines(crop)
        last = self.size.height - 1
        if self._new_below and crop.y <= last < crop.bottom:
            pill = f" ↓ {self._new_below} new "
            covered = strips[last - crop.y]
            start = max(0, self.size.width - len(pill) - 2)
            shown = strip([(pill, self.style_of("timeline--pill"))], len(pill), self.style_of(""))
            joined = [covered.crop(0, start), shown, covered.crop(start + len(pill))]
            strips[last - crop.y] = Strip.join(joined)
        return strips

    def paint_line(self, y: int, width: int) -> Strip:
        y -= self._pad
        if y < TOP_LINES:
            return self._paint_top(y, width)
        y += self._pad
        index = self._index_at(y)
        if index >= len(self._blocks):
            return Strip.blank(width, self.style_of(""))
        lines = self._paint_block(self._blocks[index], width)
        line = y - self._tops[index]
        return lines[line] if line < len(lines) else Strip.blank(width, self.style_of(""))

    def _paint_block(self, block: Block, width: int) -> list[Strip]:
        selected = block.row.key == self._cursor
        if block.painted is not None and not selected:
            return block.painted
        lines = paint(
            block.row,
            block.shape,
            width,
            zone=self._zone,
            style_of=self.style_of,
            selected=selected,
        )
        block.painted = None if selected else lines
        return lines

    def _paint_top(self, y: int, width: int) -> Strip:
        text = ""
        if self.loading_older:
            text = "Loading older messages…"
        elif not self._messages:
            text = self.empty_text
        elif self._complete:
            text = "Beginning of the conversation"
        if y != 0 or not text:
            return Strip.blank(width, self.style_of(""))
        return strip([("  " + text, self.style_of("timeline--aside"))], width, self.style_of(""))

    # -- keys and mouse ---------------------------------------------------------------------------

    def _cursor_index(self, start: int, step: int) -> int | None:
        index = start + step
        while 0 <= index < len(self._blocks):
            if isinstance(self._blocks[index].row, MessageRow):
                return index
            index += step
        return None

    def _select(self, index: int | None) -> None:
        if index is None:
            return
        self._cursor = self._blocks[index].row.key
        self._reveal(index, index)
        self.refresh()

    def action_move(self, step: int) -> None:
        if self._cursor is None:
            self.select_newest()
            return
        here = next(i for i, b in enumerate(self._blocks) if b.row.key == self._cursor)
        index = self._cursor_index(here, step)
        if index is not None:
            self._select(index)
        elif step < 0:
            self._scroll_up_to(0)
        else:
            self.post_message(self.PassedEnd())

    def action_page(self, step: int) -> None:
        lines = max(1, self.line_count - 2)
        if step < 0:
            self._scroll_up_to(round(self.scroll_y) - lines)
        else:
            self._scroll_to_line(round(self.scroll_y) + lines)

    def action_oldest(self) -> None:
        self._scroll_up_to(0)

    def _scroll_up_to(self, y: int) -> None:
        """Scroll up; a reader who is at the top already asks for older messages again."""
        if self.scroll_y <= 0:
            self._ask_for_older(insist=True)
        self._scroll_to_line(max(0, y))

    def action_newest(self) -> None:
        self._cursor = None
        self.follow()

    def action_choose(self) -> None:
        if (message := self.cursor_message) is not None:
            self.post_message(self.MessageChosen(message))

    def action_copy(self) -> None:
        if (message := self.cursor_message) is not None:
            self.post_message(self.CopyWanted(message))

    def action_retry(self) -> None:
        message = self.cursor_message
        if message is not None and message.state is SendState.FAILED:
            self.post_message(self.RetryWanted(message))

    def action_discard(self) -> None:
        message = self.cursor_message
        if message is not None and message.state in (SendState.FAILED, SendState.QUEUED):
            self.post_message(self.DiscardWanted(message))

    def action_edit(self) -> None:
        message = self.cursor_message
        if message is not None and message.own:
            self.post_message(self.EditWanted(message))

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape" and self._cursor is not None:
            event.stop()
            event.prevent_default()
            self.clear_selection()

    def on_mouse_scroll_up(self) -> None:
        self._ask_for_older(insist=True)

    def on_click(self, event: events.Click) -> None:
        if self._new_below and event.y == self.size.height - 1:
            self.follow()
            return
        y = event.y + round(self.scroll_y)
        index = self._index_at(y)
        if y < self._pad + TOP_LINES or index >= len(self._blocks):
            return
        if isinstance(self._blocks[index].row, MessageRow):
            self._select(index)
            if event.chain == 2:
                self.action_choose()


def _count_new(before: Sequence[Message], after: Sequence[Message]) -> int:
    """Messages of others that follow the last of ``before``; 0 where nothing connects the two."""
    if not before:
        return 0
    last, count = before[-1].key, 0
    for message in reversed(after):
        if message.key == last:
            return count
        count += not message.own
    return 0
