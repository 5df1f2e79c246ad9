"""The conversation: messages painted line by line, scrolled without ever jumping."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import tzinfo
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message as Posted
from textual.reactive import reactive, var
from textual.strip import Strip

from dmtui.core.model import DirectRoom, Message
from dmtui.core.search import Query
from dmtui.core.timeline import arrange
from dmtui.core.times import local_time
from dmtui.ui.widgets import wishes
from dmtui.ui.widgets.cells import strip
from dmtui.ui.widgets.hits import marked
from dmtui.ui.widgets.layout import Block, Layout
from dmtui.ui.widgets.message_lines import INDENT, NAME_COLOURS, paint
from dmtui.ui.widgets.selectable import SelectableView
from dmtui.ui.widgets.styled_lines import STYLES
from dmtui.ui.widgets.system_zone import SystemZone

TOP_LINES = 2
"""The line above the oldest message, and a blank one."""


class Timeline(SelectableView):
    """A window of messages, oldest first; parents call :meth:`show` whenever it changed.

    ``plain`` says states in words and draws no rules; ``previews`` shows images.
    """

    DEFAULT_CSS = """
    Timeline {
        background: $background;
        color: $foreground;
        & > .timeline--text { text-style: none; }
        & > .timeline--dim { color: $text-muted; }
        & > .timeline--aside { color: $text-muted; text-style: italic; }
        & > .timeline--undecryptable { color: $text-warning; text-style: italic; }
        & > .timeline--failed { color: $text-error; }
        & > .timeline--doubt { color: $text-warning; text-style: italic; }
        & > .timeline--quote { color: $text-muted; text-style: italic; }
        & > .timeline--reactions { color: $foreground 80%; }
        & > .timeline--read { color: $text-success; }
        & > .timeline--day { color: $text-muted; }
        & > .timeline--room { color: $text-muted; text-style: italic; }
        & > .timeline--new { color: $text-accent; text-style: bold; }
        & > .timeline--me { color: $text-muted; text-style: bold; }
        & > .timeline--name-0 { color: $text-primary; text-style: bold; }
        & > .timeline--name-1 { color: $text-success; text-style: bold; }
        & > .timeline--name-2 { color: $text-accent; text-style: bold; }
        & > .timeline--name-3 { color: $text-secondary; text-style: bold; }
        & > .timeline--name-4 { color: $text-warning; text-style: bold; }
        & > .timeline--bar { color: $primary; }
        & > .timeline--hit { background: $warning 40%; color: $foreground; text-style: bold; }
        & > .timeline--bold { text-style: bold; }
        & > .timeline--italic { text-style: italic; }
        & > .timeline--underline { text-style: underline; }
        & > .timeline--strike { text-style: strike; }
        & > .timeline--code { color: $text-secondary; }
        & > .timeline--link { text-style: underline; }
        & > .timeline--mention { color: $text-primary; text-style: bold; }
        & > .timeline--host { color: $text-warning; text-style: none; }
        & > .timeline--spoiler { background: $foreground 15%; }
        & > .timeline--heading { color: $text-primary; text-style: bold; }
        & > .timeline--block { color: $foreground; text-style: none; }
        & > .timeline--edge { color: $foreground 40%; }
        & > .timeline--keyword { color: $text-accent; }
        & > .timeline--string { color: $text-success; }
        & > .timeline--number { color: $text-warning; }
        & > .timeline--comment { color: $text-muted; text-style: italic; }
        & > .timeline--added { color: $text-success; }
        & > .timeline--removed { color: $text-error; }
        & > .timeline--cursor { background: $foreground 6%; }
        &:focus > .timeline--cursor { background: $primary 20%; }
        & > .timeline--pill {
            background: $primary 25%;
            color: $foreground;
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
        "timeline--doubt",
        "timeline--quote",
        "timeline--reactions",
        "timeline--read",
        "timeline--day",
        "timeline--room",
        "timeline--new",
        "timeline--me",
        *(f"timeline--name-{number}" for number in range(NAME_COLOURS)),
        "timeline--bar",
        "timeline--hit",
        "timeline--cursor",
        "timeline--pill",
        *STYLES,
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Older", show=False, id="timeline.up"),
        Binding("down,j", "move(1)", "Newer", show=False, id="timeline.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="timeline.page-up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="timeline.page-down"),
        Binding("home", "oldest", "Oldest", show=False, id="timeline.oldest"),
        Binding("end", "newest", "Newest", show=False, id="timeline.newest"),
        Binding("enter", "wish('choose')", "Actions", show=False, id="timeline.choose"),
        Binding("r", "wish('reply')", "Reply", show=False, id="timeline.reply"),
        Binding("plus", "wish('react')", "React", show=False, id="timeline.react"),
        Binding("g", "wish('original')", "What it answers", show=False, id="timeline.original"),
        Binding("y", "wish('copy')", "Copy", show=False, id="timeline.copy"),
        Binding("v", "wish('view')", "Look at the image", show=False, id="timeline.view"),
        Binding("x", "wish('retry')", "Retry", show=False, id="timeline.retry"),
        Binding("d", "wish('discard')", "Discard", show=False, id="timeline.discard"),
        Binding("e", "wish('edit')", "Edit", show=False, id="timeline.edit"),
        Binding("o", "wish('open')", "Open a link", show=False, id="timeline.open"),
        Binding("s", "wish('reveal')", "Show what is hidden", show=False, id="timeline.reveal"),
    ]

    loading_older: reactive[bool] = reactive(False)
    empty_text: reactive[str] = reactive("")
    newest_key: reactive[str] = reactive("End")
    cursor_key: var[str | None] = var(None)

    class ReachedTop(Posted):
        """The oldest message of the window is on screen and older ones are wanted."""

    class ReachedEnd(Posted):
        """The newest message of a window of old ones is on screen: what follows is wanted."""

    class NewestWanted(Posted):
        """The end of the conversation is wanted, which is not in the window."""

    class PassedEnd(Posted):
        """↓ was pressed on the newest message: the composer is wanted."""

    class CameOnScreen(Posted):
        """Images without a preview are on screen."""

        def __init__(self, messages: Sequence[Message]) -> None:
            super().__init__()
            self.messages = messages

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.time,
        zone: tzinfo | None = None,
        plain: bool = False,
        previews: bool = False,
        id: str | None = None,  # noqa: A002 - Textual's name
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._now = now
        self._zone = zone or SystemZone()
        self._messages: Sequence[Message] = ()
        self._complete = False
        self._newer = False
        self._first_unread: str | None = None
        self._rooms: Sequence[DirectRoom] = ()
        self._plain = plain
        self._previews = previews
        self._rows = Layout(TOP_LINES, plain=plain, previews=previews)
        self._announced: set[tuple[str, str]] = set()
        self._follow = True
        self._new_below = 0
        self._asked_at: str | None = None
        self._asked_after: str | None = None
        self._shown = False
        self._awaited: str | None = None
        self._query = Query()
        self._hits: frozenset[str] = frozenset()
        self._revealed: set[str] = set()

    # -- for the parent -----------------------------------------------------------------------

    def show(
        self,
        messages: Sequence[Message],
        *,
        complete: bool = False,
        first_unread: str | None = None,
        rooms: Sequence[DirectRoom] = (),
        newer: bool = False,
        at: str | None = None,
    ) -> None:
        """Show this window: the reader's place is kept, or the end is followed if it was on show.

        ``complete``: the first message is the beginning of the conversation; ``newer``: the last
        one is not its end. ``rooms`` are those that the messages are from, oldest first. ``at`` is
        the key of a message to go to.
        """
        if not (self._follow or self._newer or newer):
            self._new_below += _count_new(self._messages, messages)
        self._newer = newer
        self._follow = self._follow and not newer and at is None
        if at is not None:
            self.cursor_key = self._awaited = at
        self._shown = True
        self._messages = messages
        self._complete = complete
        self._first_unread = first_unread
        self._rooms = rooms
        if self.cursor_key is not None and all(
            m.key != self.cursor_key for m in reversed(messages)
        ):
            self.cursor_key = None
        self._arrange()
        self._reveal_awaited()

    def open(
        self,
        messages: Sequence[Message],
        *,
        complete: bool = False,
        first_unread: str | None = None,
        rooms: Sequence[DirectRoom] = (),
    ) -> None:
        """Show another conversation: at its "new messages" line if there is one, else its end."""
        self._follow, self._new_below, self.cursor_key, self._awaited = True, 0, None, None
        self._asked_at = self._asked_after = None
        self._revealed.clear()
        self._announced.clear()
        self._rows.forget()
        self.show(messages, complete=complete, first_unread=first_unread, rooms=rooms)
        self._awaited = first_unread
        self._reveal_awaited()

    def jump(self, key: str) -> None:
        """Select a message of the window, with lines around it unless it is on screen already."""
        self.cursor_key = self._awaited = key
        self._reveal_awaited()

    def _reveal_awaited(self) -> None:
        """Go to where the conversation opens, once there is a screen to show it on."""
        if self._awaited is None or self.line_width <= 0:
            return
        key, self._awaited = self._awaited, None
        index = self._rows.index_of(key)
        if key != self.cursor_key or index is None:
            self.show_message(key)
        elif not self._is_on_screen(index):
            self._scroll_to_line(max(0, self._rows.top(index) - self.line_count // 3))
        self.refresh()
        self._ask_for_older(insist=False)
        self._ask_for_newer(insist=False)
        self._announce_images()

    def _is_on_screen(self, index: int) -> bool:
        end = self.scroll_y + self.line_count
        return self._rows.top(index) >= self.scroll_y and self._rows.bottom(index) <= end

    def follow(self) -> None:
        """Go to the newest message and stay there."""
        self._follow, self._new_below = True, 0
        self._scroll_to_line(round(self.max_scroll_y))
        self.refresh()

    def mark(self, query: Query, keys: Iterable[str]) -> None:
        """Show where the query hits in the messages of these keys."""
        self._query, self._hits = query, frozenset(keys)
        self.forget_painted()
        self.refresh()

    def select_newest(self) -> None:
        """Put the cursor on the newest message, or the last on screen where that is far away."""
        end = len(self._rows.blocks)
        if self._newer:
            end = self._rows.index_at(round(self.scroll_y) + self.line_count - 1) + 1
        self._select(self._rows.next_message(end, -1))

    def clear_selection(self) -> None:
        """Take the cursor off the messages."""
        self.cursor_key = None
        self.refresh()

    def show_message(self, key: str, *, select: bool = False) -> None:
        """Scroll so that the message and the lines before it are on screen."""
        index = self._rows.index_of(key)
        if index is None:
            return
        if select:
            self.cursor_key = key
        self._reveal(max(0, index - 1), index)
        self.refresh()

    @property
    def cursor_message(self) -> Message | None:
        """The selected message."""
        block = self._rows.get(self.cursor_key)
        return block.message if block else None

    @property
    def idle_commands(self) -> frozenset[str]:
        """The ids of the commands that mean nothing where the cursor is."""
        message = self.cursor_message
        if message is None:
            return frozenset({"timeline.edit", "timeline.discard", "timeline.reveal"})
        idle = {f"timeline.{key}" for key in wishes.idle(message)}
        mine = message.own and message.lives  # no room for what one has done already
        return frozenset({*idle, "timeline.up"} if mine else idle)

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
        if width <= 0:  # out of sight: arranged when it comes back
            self._lines = (0, 0)
            return
        follow = self._follow
        anchor = None if follow else self._rows.anchor(round(self.scroll_y))
        today = local_time(int(self._now() * 1000), self._zone).date()
        rows = arrange(self._messages, today, self._zone, self._first_unread, self._rooms)
        self._rows.arrange(rows, width, self.line_count)
        self.set_line_total(self._rows.total)
        self.unselect()
        if follow:
            self._scroll_to_line(round(self.max_scroll_y))
        elif anchor is not None and (line := self._rows.find(anchor)) is not None:
            self._scroll_to_line(line)
        at_end = self.scroll_y >= self.max_scroll_y
        self._follow = not self._newer and (follow or self._follow or at_end)
        self.refresh()
        self._ask_for_older(insist=False)
        self._ask_for_newer(insist=False)
        self._announce_images()

    def _announce_images(self) -> None:
        """Each image once, however often it comes on screen, and again once it is uploaded."""
        if not self._previews or not self._rows.blocks or self._awaited is not None:
            return
        top = round(self.scroll_y)
        first, last = self._rows.index_at(top), self._rows.index_at(top + self.line_count - 1)
        found: list[Message] = []
        for block in self._rows.blocks[first : last + 1]:
            message = block.message
            if message is None or message.attachment is None or message.preview is not None:
                continue
            name = message.key, message.attachment.media.uri
            if name not in self._announced:
                self._announced.add(name)
                found.append(message)
        if found:
            self.post_message(self.CameOnScreen(found))

    def _scroll_to_line(self, y: int) -> None:
        self.scroll_to(y=y, animate=False, force=True)

    def _reveal(self, first: int, last: int) -> None:
        top, bottom = self._rows.top(first), self._rows.bottom(last)
        if top < self.scroll_y or bottom - top > self.line_count:
            self._scroll_to_line(top)
        elif bottom > self.scroll_y + self.line_count:
            self._scroll_to_line(bottom - self.line_count)

    def lines_resized(self) -> None:
        self._arrange()
        self._reveal_awaited()

    def forget_painted(self) -> None:
        for block in self._rows.blocks:
            block.painted = None

    def watch_loading_older(self) -> None:
        self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._follow = new_value >= self.max_scroll_y and not self._newer
        if self._follow:
            self._new_below = 0
        if new_value < old_value:
            self._ask_for_older(insist=False)
        else:
            self._ask_for_newer(insist=False)
        self._announce_images()

    def _ask_for_older(self, *, insist: bool) -> None:
        if self._complete or self.loading_older or not self._shown or self.scroll_y > 0:
            return
        if self._awaited is not None:
            return
        oldest = self._messages[0].key if self._messages else ""
        if insist or self._asked_at != oldest:
            self._asked_at = oldest
            self.post_message(self.ReachedTop())

    def _ask_for_newer(self, *, insist: bool) -> None:
        if not self._newer or self._awaited is not None or self.scroll_y < self.max_scroll_y:
            return
        newest = self._messages[-1].key if self._messages else ""
        if insist or self._asked_after != newest:
            self._asked_after = newest
            self.post_message(self.ReachedEnd())

    # -- painting -------------------------------------------------------------------------------

    def render_lines(self, crop: Region) -> list[Strip]:
        strips = super().render_lines(crop)
        last = self.size.height - 1
        below = f"{self._new_below} new" if self._new_below else "newest" * self._newer
        if below and crop.y <= last < crop.bottom:
            pill = f" ↓ {below}: {self.newest_key} "
            covered = strips[last - crop.y]
            start = max(0, self.size.width - len(pill) - 2)
            shown = strip([(pill, self.style_of("timeline--pill"))], len(pill), self.style_of(""))
            joined = [covered.crop(0, start), shown, covered.crop(start + len(pill))]
            strips[last - crop.y] = Strip.join(joined)
        return strips

    def paint_line(self, y: int, width: int) -> Strip:
        if y < self._rows.blank + TOP_LINES:
            return self._paint_top(y - self._rows.blank, width)
        blocks = self._rows.blocks
        index = self._rows.index_at(y)
        if index >= len(blocks):
            return Strip.blank(width, self.style_of(""))
        lines = self._paint_block(blocks[index], width)
        line = y - self._rows.top(index)
        return lines[line] if line < len(lines) else Strip.blank(width, self.style_of(""))

    def selectable(self, y: int, width: int) -> str:
        """Without the marks at the right of a message's text."""
        text = self.paint_line(y, width).text
        blocks = self._rows.blocks
        index = self._rows.index_at(y)
        if y < self._rows.blank + TOP_LINES or index >= len(blocks):
            return text.rstrip()
        shape = blocks[index].shape
        line = y - self._rows.top(index) - shape.lead
        if 0 <= line - len(shape.text) < shape.picture:
            return ""
        if 0 <= line < len(shape.text):
            text = text[: INDENT + sum(len(part) for part, _ in shape.text[line])]
        return text.rstrip()

    def _paint_block(self, block: Block, width: int) -> list[Strip]:
        selected = block.row.key == self.cursor_key
        if block.painted is not None and not selected:
            return block.painted
        lines = paint(
            block.row,
            block.shape,
            width,
            zone=self._zone,
            style_of=self.style_of,
            selected=selected,
            plain=self._plain,
            revealed=block.row.key in self._revealed,
        )
        if block.row.key in self._hits:
            hit = self.style_of("timeline--hit")
            first, end = block.shape.lead, block.shape.lead + len(block.shape.text)
            lines[first:end] = [marked(line, self._query, hit) for line in lines[first:end]]
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

    def _select(self, index: int | None) -> None:
        if index is None:
            return
        self.cursor_key = self._rows.blocks[index].row.key
        self._reveal(index, index)
        self.refresh()

    def action_move(self, step: int) -> None:
        here = self._rows.index_of(self.cursor_key) if self.cursor_key is not None else None
        if here is None:
            self.select_newest()
            return
        index = self._rows.next_message(here, step)
        if index is not None:
            self._select(index)
        elif step < 0:
            self._scroll_up_to(0)
        elif self._newer:
            self._ask_for_newer(insist=True)
        else:
            self.post_message(self.PassedEnd())

    def action_page(self, step: int) -> None:
        lines = max(1, self.line_count - 2)
        if step < 0:
            self._scroll_up_to(round(self.scroll_y) - lines)
        else:
            self._scroll_to_line(round(self.scroll_y) + lines)
            self._ask_for_newer(insist=True)

    def action_oldest(self) -> None:
        self._scroll_up_to(0)

    def _scroll_up_to(self, y: int) -> None:
        """Scroll up; a reader who is at the top already asks for older messages again."""
        if self.scroll_y <= 0:
            self._ask_for_older(insist=True)
        self._scroll_to_line(max(0, y))

    def action_newest(self) -> None:
        if self._newer:
            self.post_message(self.NewestWanted())
            return
        self.cursor_key = None
        self.follow()

    def action_wish(self, key: str) -> None:
        message = self.cursor_message
        match wishes.of_key(key, message) if message is not None else None:
            case wishes.Reveal(message=hiding):
                self.reveal(hiding)
            case wishes.Wish() as wish:
                self.post_message(wish)

    def reveal(self, message: Message) -> None:
        """Show what is hidden in a message, or hide it again."""
        self._revealed ^= {message.key}
        if (block := self._rows.get(message.key)) is not None:
            block.painted = None
        self.refresh()

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape" and self.cursor_key is not None:
            self.clear_selection()  # and on to the composer: letters act as long as it lacks focus

    def on_mouse_scroll_up(self) -> None:
        self._ask_for_older(insist=True)

    def on_click(self, event: events.Click) -> None:
        if self.text_selection is not None:
            return
        if (self._new_below or self._newer) and event.y == self.size.height - 1:
            self.action_newest()
            return
        y = event.y + round(self.scroll_y)
        index = self._rows.index_at(y)
        blocks = self._rows.blocks
        if y < self._rows.blank + TOP_LINES or index >= len(blocks):
            return
        if blocks[index].message is not None:
            self._select(index)
            if event.chain == 2:
                self.action_wish("choose")


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
