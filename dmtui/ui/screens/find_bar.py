"""Finding in the open conversation: a field above the messages, and a walk from hit to hit."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static

from dmtui.core.errors import DmtuiError
from dmtui.core.search import Query, parse
from dmtui.messenger.clock import milliseconds
from dmtui.messenger.search import COUNTED
from dmtui.ui.commands import Scope, bindings
from dmtui.ui.widgets.system_zone import SystemZone

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.timer import Timer

    from dmtui.core.model import UserId
    from dmtui.messenger.messenger import Messenger

SEARCH_AFTER = 0.15
"""Seconds without a key."""

INDEXING = "Older ones are still being indexed."


class FindBar(Vertical):
    """Shown by :meth:`open`; what it finds is the parent's to show."""

    DEFAULT_CSS = """
    FindBar {
        display: none;
        padding: 0 2;
        background: $surface;
        height: auto;
        &.open { display: block; }
        Horizontal { height: 1; }
        .label { width: auto; color: $text-primary; text-style: bold; }
        Input { width: 1fr; }
        #count { width: auto; color: $text-muted; }
        #trouble { height: auto; color: $text-warning; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.FIND)]

    class Found(Message):
        """These messages fit; ``at`` is the one to go to, ``None`` if the reader is to stay."""

        def __init__(self, query: Query, keys: tuple[str, ...], at: str | None) -> None:
            super().__init__()
            self.query = query
            self.keys = keys
            self.at = at

    class Closed(Message):
        """The user has done with finding."""

    def __init__(self, messenger: Messenger):
        super().__init__(id="find")
        self._messenger = messenger
        self._person: UserId | None = None
        self._last: UserId | None = None  # in whose conversation the user has looked
        self._query = Query()
        self._keys: tuple[str, ...] = ()
        self._at = 0
        self._waiting: Timer | None = None

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Static("Find  ", classes="label", markup=False)
            yield Input(placeholder='words, "a phrase", from:me, has:link …', compact=True)
            yield Static(id="count", markup=False)
        yield Static(id="trouble", markup=False)

    @property
    def field(self) -> Input:
        """Where the user types what to find."""
        return self.query_one(Input)

    @property
    def is_open(self) -> bool:
        """Whether it is on screen."""
        return self.has_class("open")

    def open(self, person: UserId) -> None:
        """Find in this conversation; what was looked for last is there to go on with."""
        if person != self._last:
            self.field.value = ""
        self._person = self._last = person
        self.add_class("open")
        self.field.focus()
        self.field.select_all()
        self._seek(stay=False)

    def close(self) -> None:
        """Leave the screen to the messages."""
        self._person = None
        self.remove_class("open")
        self._forget()

    def again(self) -> None:
        """Messages have come, gone or changed."""
        if self.is_open and self._keys:
            self._seek(stay=True)

    @on(Input.Changed)
    def wait_for_more(self, event: Input.Changed) -> None:
        """Look once typing pauses."""
        event.stop()
        self._forget()
        self._waiting = self.set_timer(SEARCH_AFTER, self._seek_typed)

    def _forget(self) -> None:
        """What was found is no answer to what is typed now."""
        self.workers.cancel_group(self, "find")
        if self._waiting is not None:
            self._waiting.stop()
        self._waiting, self._keys, self._at = None, (), 0
        self._tell("")

    def _seek_typed(self) -> None:
        self._waiting = None
        self._seek(stay=False)

    @work(group="find", exclusive=True)
    async def _seek(self, *, stay: bool) -> None:
        if self._person is None:
            return
        try:
            now = milliseconds(self._messenger.clock)
            self._query = parse(self.field.value, now, SystemZone())
            if self._query == Query():
                self.post_message(self.Found(self._query, (), None))
                return
            keys = await self._messenger.search.find(self._person, self._query)
        except DmtuiError as error:
            self._keys = ()
            self.post_message(self.Found(Query(), (), None))
            self._tell("", str(error))
            return
        before = self._keys[self._at] if stay and self._keys else None
        self._keys = keys
        self._at = keys.index(before) if before in keys else 0
        self._count()
        at = keys[0] if keys and not stay else None
        self.post_message(self.Found(self._query, keys, at))

    def _count(self) -> None:
        more = "+" if len(self._keys) == COUNTED else ""
        count = f"{self._at + 1} of {len(self._keys)}{more}" if self._keys else "Nothing found"
        self._tell(count, "" if self._messenger.search.complete else INDEXING)

    def _tell(self, count: str, trouble: str = "") -> None:
        """What there is, and below the field what is in the way of more."""
        self.query_one("#count", Static).update(f"  {count}" if count else "")
        line = self.query_one("#trouble", Static)
        line.update(trouble)
        line.display = bool(trouble)

    @on(Input.Submitted)
    def go_on(self, event: Input.Submitted) -> None:
        """Enter: the next hit, or the first one at once."""
        event.stop()
        if self._waiting is not None:
            self._waiting.stop()
            self._seek_typed()
        else:
            self.action_step(1)

    def action_step(self, by: int) -> None:
        """To an older hit, or with -1 to a newer one."""
        there = self._at + by
        if 0 <= there < len(self._keys):
            self._at = there
            self._count()
            self.post_message(self.Found(self._query, self._keys, self._keys[there]))

    def action_close(self) -> None:
        """Esc."""
        self.close()
        self.post_message(self.Closed())
