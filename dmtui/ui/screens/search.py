"""Searching everywhere: a field, the messages that fit, and Enter goes to one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from dmtui.core.errors import DmtuiError
from dmtui.core.search import Hit, Query, parse
from dmtui.messenger.clock import milliseconds
from dmtui.ui.screens.find_bar import INDEXING, SEARCH_AFTER
from dmtui.ui.widgets.hit_list import HitList
from dmtui.ui.widgets.system_zone import SystemZone

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.timer import Timer

    from dmtui.messenger.messenger import Messenger

HELP = (
    'Words, the last one may go on. "In quotes" they follow each other.\n'
    "from:name   from:me   in:person   has:file   has:link\n"
    "before:2026-11-16   after:7d   on:yesterday"
)


class SearchScreen(ModalScreen[Hit | None]):
    """Dismissed with the message to go to; :attr:`typed` is what was looked for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,f5", "dismiss(None)", "Close", show=False, priority=True, id="search.close"
        ),
        Binding("down", "move(1)", "Next", show=False, priority=True, id="search.next"),
        Binding("up", "move(-1)", "Previous", show=False, priority=True, id="search.previous"),
        Binding("pagedown", "page(1)", "A page down", show=False, priority=True, id="search.down"),
        Binding("pageup", "page(-1)", "A page up", show=False, priority=True, id="search.up"),
    ]

    def __init__(self, messenger: Messenger, typed: str = ""):
        super().__init__()
        self._messenger = messenger
        self.typed = typed
        self._query = Query()
        self._hits: tuple[Hit, ...] = ()
        self._rest: int | None = None
        self._waiting: Timer | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="search") as dialog:
            dialog.border_title = "Search"
            yield Input(self.typed, placeholder="In all chats", select_on_focus=True)
            yield HitList(id="hits")
            yield Static(id="notice", markup=False)
            yield Static("↑ ↓ choose · Enter goes there · Esc closes", classes="hint", markup=False)

    def on_mount(self) -> None:
        self._seek()

    @property
    def _list(self) -> HitList:
        return self.query_one(HitList)

    @on(Input.Changed)
    def wait_for_more(self, event: Input.Changed) -> None:
        """Look once typing pauses; what was found before is no answer any more."""
        self.typed = event.value
        self.workers.cancel_group(self, "search")
        if self._waiting is not None:
            self._waiting.stop()
        self._waiting = self.set_timer(SEARCH_AFTER, self._seek_typed)
        self._show((), None, Query())
        self._tell("")

    def _seek_typed(self) -> None:
        self._waiting = None
        self._seek()

    @work(group="search", exclusive=True)
    async def _seek(self) -> None:
        try:
            query = parse(self.typed, milliseconds(self._messenger.clock), SystemZone())
            if query == Query():
                self._tell(HELP)
                return
            found = await self._messenger.search.everywhere(query)
        except DmtuiError as error:
            self._tell(str(error))
            return
        self._show(found.hits, found.rest, query)
        self._count()

    @on(HitList.NearEnd)
    def more(self) -> None:
        """The next page."""
        if self._rest is not None:
            self._seek_more(self._rest)

    @work(group="search", exclusive=True)
    async def _seek_more(self, rest: int) -> None:
        try:
            found = await self._messenger.search.everywhere(self._query, rest)
        except DmtuiError as error:
            self._tell(str(error))
            return
        self._show(self._hits + found.hits, found.rest, self._query, anew=False)
        self._count()

    def _show(
        self, hits: tuple[Hit, ...], rest: int | None, query: Query, *, anew: bool = True
    ) -> None:
        self._hits, self._rest, self._query = hits, rest, query
        self._list.show(hits, query, anew=anew)

    def _count(self) -> None:
        count = len(self._hits)
        words = f"{count} message{'' if count == 1 else 's'}" if count else "Nothing found"
        more = ", and older ones" if self._rest is not None else ""
        indexing = "" if self._messenger.search.complete else f". {INDEXING}"
        self._tell(f"{words}{more}{indexing}")

    def _tell(self, words: str) -> None:
        self.query_one("#notice", Static).update(words)

    def action_move(self, by: int) -> None:
        """Choose another row."""
        self._list.move(by)

    def action_page(self, direction: int) -> None:
        """Choose one further away."""
        self._list.page(direction)

    @on(HitList.Chosen)
    @on(Input.Submitted)
    def go(self) -> None:
        """Go to the chosen message; before there is an answer, ask for it at once."""
        if self._waiting is not None:
            self._waiting.stop()
            self._seek_typed()
        elif self._list.current is not None and self.is_current:
            self.dismiss(self._list.current)
