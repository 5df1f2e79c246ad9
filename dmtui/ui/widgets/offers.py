"""The rows that the composer offers to complete what is being typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import work
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from dmtui.ui.widgets.cells import clip, printable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from dmtui.core.completion import Offer, Word

SHOWN = 8
_BORDERS = 2
_NAMES = 28  # cells
_DETAILS = 40  # cells


class Offers(OptionList, can_focus=False):
    """Floats above the composer, which keeps the keyboard and asks here for what a key means.

    ``source`` looks up what can stand for a word.
    """

    DEFAULT_CSS = """
    Offers {
        display: none;
        overlay: screen;
        width: auto;
        max-width: 90%;
        height: auto;
        max-height: 100vh;
        margin: 0 2;
        padding: 0 1;
        background: $surface;
        border: round $primary;
        border-subtitle-color: $text-muted;
        scrollbar-size: 0 0;
        & > .option-list--option { padding: 0; }
        & > .option-list--option-highlighted {
            background: $primary;
            color: $button-color-foreground;
            text-style: bold;
        }
    }
    """

    class Chosen(Message):
        """A row was clicked."""

        def __init__(self, offer: Offer) -> None:
            super().__init__()
            self.offer = offer

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(markup=False, id=id)
        self.source: Callable[[Word], Awaitable[Sequence[Offer]]] | None = None
        self._word: Word | None = None
        self._unwanted: Word | None = None
        self._offers: Sequence[Offer] = ()
        self.border_subtitle = "Tab ↑↓ · Esc"

    def follow(self, word: Word | None) -> None:
        """This is being typed now: show what there is for it."""
        if word is None or (self._unwanted and _same_place(self._unwanted, word)):
            self._put_away()
        elif word != self._word:
            self._unwanted = None
            self._look(word)

    @work(group="offers", exclusive=True)
    async def _look(self, word: Word) -> None:
        offers = await self._found(word)
        self._word, self._offers = word, offers
        self.display = bool(offers)
        self.clear_options()
        self.add_options(Option(_row(offer)) for offer in offers)
        self.highlighted = None
        self.styles.offset = (0, -len(offers) - _BORDERS)

    async def _found(self, word: Word) -> Sequence[Offer]:
        offers = await self.source(word) if self.source is not None else ()
        return [offer for offer in offers if offer.text != f"{word.sign}{word.term}"][:SHOWN]

    def _put_away(self) -> None:
        self.workers.cancel_group(self, "offers")
        self._word, self._offers, self.display = None, (), False

    def shows(self, word: Word | None) -> bool:
        """Whether the rows on show are for this word."""
        return self.display and word is not None and word == self._word

    def move(self, step: int) -> None:
        """Choose the next row, or the one before, around the end."""
        count = len(self._offers)
        here = self.highlighted
        self.highlighted = ((0 if step > 0 else -1) if here is None else here + step) % count

    @property
    def chosen(self) -> Offer | None:
        """The row that the user has gone to."""
        return None if self.highlighted is None else self._offers[self.highlighted]

    async def best(self, word: Word) -> Offer | None:
        """The chosen row, else the first one for the word, on show yet or not."""
        offers = self._offers if self.shows(word) else await self._found(word)
        chosen = self.chosen if self.shows(word) else None
        return chosen or next(iter(offers), None)

    def close(self) -> None:
        """Not wanted for this word."""
        self._unwanted = self._word
        self._put_away()

    def forget(self) -> None:
        """Another text begins."""
        self._unwanted = None
        self._put_away()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.Chosen(self._offers[event.option_index]))


def _same_place(one: Word, other: Word) -> bool:
    return (one.sign, one.start) == (other.sign, other.start)


def _row(offer: Offer) -> Content:
    name = printable(clip(offer.shown, _NAMES))
    detail = printable(clip(offer.detail, _DETAILS))
    return Content.assemble(name, (f"  {detail}" if detail else "", "$text-muted"))
