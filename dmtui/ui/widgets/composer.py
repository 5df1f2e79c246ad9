"""The composer: Enter sends, everything else types, and a fast burst of keys keeps its order."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.widgets import TextArea

from dmtui.core.completion import Word, word_before
from dmtui.core.data_uris import is_picture
from dmtui.core.slash import Order, Said, meaning, objection

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from textual import events

    from dmtui.core.completion import Offer
    from dmtui.core.model import UserId
    from dmtui.ui.widgets.offers import Offers

NEWLINE_KEYS = frozenset({"ctrl+j", "shift+enter", "alt+enter", "ctrl+enter"})
LEFT_TO_OTHERS = frozenset({"ctrl+f", "ctrl+k", "f6", "f7", "pageup", "pagedown"})
TYPING_EVERY = 4.0
"""Seconds between two :class:`Composer.Typing` heartbeats."""

_MOVES = {"cursor_up": -1, "cursor_down": 1}
_LINE_ENDS = re.compile(r"\r\n?")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def cleaned(text: str) -> str:
    """Text from elsewhere, without what steers a terminal, its lines ended as here."""
    return _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))


def _editing_keys() -> dict[str, str]:
    """Map each key of Textual's text area to its action."""
    keys: dict[str, str] = {}
    for binding in TextArea.BINDINGS:
        if isinstance(binding, Binding):
            keys.update((key.strip(), binding.action) for key in binding.key.split(","))
    return {key: action for key, action in keys.items() if key not in LEFT_TO_OTHERS}


class Composer(TextArea, inherit_bindings=False):
    """A text area that posts :class:`Submitted`; it grows from one to eight lines.

    Its editing keys are handled in ``_on_key``, not as bindings: a binding runs after the keys
    that follow it in the same read, so that "abc←d" would come out as "abcd" (Textual #6605).
    Its messages name :attr:`writing_to` as it was when the key came: when they are handled,
    another conversation may be on show.
    """

    EDITING_KEYS = _editing_keys()

    DEFAULT_CSS = """
    Composer {
        height: auto;
        min-height: 3;
        max-height: 10;
        border: round $foreground 25%;
        border-title-color: $text-muted;
        border-subtitle-color: $text-warning;
        background: $background;
        padding: 0 1;
        scrollbar-size-vertical: 1;
        &:focus { border: round $primary; background: $background; }
        & .text-area--cursor-line { background: transparent; }
        & .text-area--placeholder { color: $text-muted; }
        &.-refused { border: round $warning 50%; }
    }
    """

    class Submitted(Message):
        """The user sent this text to this person; the composer is empty again."""

        def __init__(self, text: str, to: UserId | None = None) -> None:
            super().__init__()
            self.text = text
            self.to = to

    class Emptied(Message):
        """Enter was pressed where there is nothing to send."""

    class Ordered(Message):
        """The user asked for this command; the composer is empty again."""

        def __init__(self, name: str, to: UserId | None = None) -> None:
            super().__init__()
            self.name = name
            self.to = to

    class Objected(Message):
        """Enter was pressed on a command that can't be meant: it is still here."""

        def __init__(self, reason: str) -> None:
            super().__init__()
            self.reason = reason

    class Held(Message):
        """Enter was pressed in :attr:`held` text: it is still here, and the next Enter sends it."""

        def __init__(self, to: UserId | None = None) -> None:
            super().__init__()
            self.to = to

    class Refused(Message):
        """Enter was pressed where nobody would read the text: it is still here."""

        def __init__(self, to: UserId | None = None) -> None:
            super().__init__()
            self.to = to

    class DraftChanged(Message):
        """The unsent text to this person is now this; ``submitted``: because it was sent."""

        def __init__(self, text: str, to: UserId | None = None, *, submitted: bool = False) -> None:
            super().__init__()
            self.text = text
            self.to = to
            self.submitted = submitted

    class Typing(Message):
        """The user is typing to this person (repeated every few seconds) or stopped."""

        def __init__(self, active: bool, to: UserId | None = None) -> None:
            super().__init__()
            self.active = active
            self.to = to

    class Pasted(Message):
        """This was pasted, and is part of the text now."""

        def __init__(self, text: str, to: UserId | None = None) -> None:
            super().__init__()
            self.text = text
            self.to = to

    class PicturePasted(Message):
        """A picture was pasted as a ``data`` URI, and is no part of the text."""

        def __init__(self, text: str, to: UserId | None = None) -> None:
            super().__init__()
            self.text = text
            self.to = to

    def __init__(
        self,
        placeholder: str = "",
        *,
        clock: Callable[[], float] = time.monotonic,
        id: str | None = None,  # noqa: A002 - Textual's name
        classes: str | None = None,
    ) -> None:
        super().__init__(
            soft_wrap=True,
            tab_behavior="focus",
            highlight_cursor_line=False,
            placeholder=Content(placeholder),
            id=id,
            classes=classes,
        )
        self.cursor_blink = False  # each blink would repaint, also when nobody types
        self._clock = clock
        self._hint = placeholder
        self._refusal = ""
        self._typing_since: float | None = None
        self.writing_to: UserId | None = None
        self.held = False
        """Whether the next Enter only says that it would send."""
        self.orders: Collection[str] = ()
        """Names of the commands that can be given after a slash."""
        self.offers: Offers | None = None
        """Where to offer completions."""
        self.closing_keys: Collection[str] = ("escape",)
        """Keys that put the completions away."""
        self.editing_keys: Mapping[str, str] = self.EDITING_KEYS
        """What keys do to the text, by the names of actions."""
        self.go_up: Callable[[], None] = lambda: None
        """What ↑ does where there is no text: it gives the focus away before the next key."""
        self._gone_up = False

    # -- for the parent -----------------------------------------------------------------------

    @property
    def draft(self) -> str:
        """The unsent text."""
        return self.text

    def load_draft(self, text: str) -> None:
        """Show this text with the cursor at its end; posts nothing, and undo starts afresh."""
        with self.prevent(TextArea.Changed):
            self.load_text(text)
        self.move_cursor(self.document.end)
        self._typing_since = None
        if self.offers is not None:
            self.offers.forget()

    def rewrite(self, text: str) -> None:
        """Have this for the text, as if typed: it can be undone."""
        self.history.checkpoint()
        self.replace(cleaned(text), self.document.start, self.document.end)
        self.move_cursor(self.document.end)

    def hint(self, text: str) -> None:
        """Show this while empty, such as "Message Bob"."""
        self._hint = text
        if not self._refusal:
            self.placeholder = Content(text)

    def note(self, text: str) -> None:
        """Show this in the upper border, such as "Replying to Bob"; empty removes it."""
        self.border_title = Content(text) if text else None

    def refuse(self, reason: str) -> None:
        """Keep what is typed as a draft and say why; empty has Enter send again."""
        self._refusal = reason
        self.set_class(bool(reason), "-refused")
        self.placeholder = Content("" if reason else self._hint)
        self.border_subtitle = Content(reason) if reason else None

    # -- keys ---------------------------------------------------------------------------------

    async def _on_key(self, event: events.Key) -> None:
        key = event.key
        if self._gone_up and self.screen.focused is not self:
            event.prevent_default()  # it came in one read with ↑, and is for what that selected
        elif await self._completed_by(key):
            self._consume(event)
        elif key == "enter":
            self._consume(event)
            self.submit()
        elif key in NEWLINE_KEYS:
            self._consume(event)
            self._replace_via_keyboard("\n", *self.selection)
        elif (action := self.editing_keys.get(key)) is not None:
            self._consume(event)
            if action == "cursor_up" and not self.text:
                self._gone_up = True
                self.go_up()
            else:
                await self.run_action(action)
        else:
            await super()._on_key(event)

    @staticmethod
    def _consume(event: events.Event) -> None:
        event.stop()
        event.prevent_default()

    def action_kill(self) -> None:
        """The rest of the line to the clipboard, at its end the line break."""
        row, column = self.cursor_location
        end = row, len(self.document.get_line(row))
        if column == end[1] and row + 1 < self.document.line_count:
            end = row + 1, 0
        self.history.checkpoint()
        if killed := self.get_text_range((row, column), end):
            self.app.copy_to_clipboard(killed)
            self.delete((row, column), end)

    def action_kill_selected(self) -> None:
        """What is selected to the clipboard, else the word before the cursor away."""
        if self.selected_text:
            self.action_cut()
        else:
            self.action_delete_word_left()

    def submit(self) -> None:
        """As Enter does."""
        text = self.text.strip("\n").rstrip()
        meant = meaning(text)
        if isinstance(meant, Order):
            self._order(meant)
        elif self._refusal:
            self.post_message(self.Refused(self.writing_to))
        elif self.held and text.strip():
            self.held = False
            self.post_message(self.Held(self.writing_to))
        elif text.strip():
            self._empty()
            self.post_message(self.Submitted(text, self.writing_to))
            self.post_message(self.DraftChanged("", self.writing_to, submitted=True))
        else:
            self.post_message(self.Emptied())

    def _order(self, order: Order) -> None:
        if why := objection(order, self.orders):
            self.post_message(self.Objected(why))
            return
        self._empty()
        self.post_message(self.DraftChanged("", self.writing_to))
        self.post_message(self.Ordered(order.name, self.writing_to))

    def _empty(self) -> None:
        self.history.checkpoint()
        with self.prevent(TextArea.Changed):
            self.clear()
        self._stop_typing()
        if self.offers is not None:
            self.offers.forget()

    async def _on_paste(self, event: events.Paste) -> None:
        self._consume(event)
        if is_picture(event.text):
            self.post_message(self.PicturePasted(event.text, self.writing_to))
            return
        text = cleaned(event.text)
        if result := self._replace_via_keyboard(text, *self.selection):
            self.move_cursor(result.end_location)
            self.post_message(self.Pasted(text, self.writing_to))

    def take_back(self, text: str) -> None:
        """Remove what was pasted, if it still is there."""
        before, found, after = self.text.rpartition(text)
        if found:
            self.load_draft(before + after)
            self.post_message(self.DraftChanged(self.text, self.writing_to))

    # -- completing -----------------------------------------------------------------------------

    @property
    def word(self) -> Word | None:
        """What stands before the cursor and can be completed."""
        if not self.selection.is_empty:
            return None
        row, column = self.cursor_location
        return word_before(self.document.get_line(row)[:column], first=row == 0)

    async def _completed_by(self, key: str) -> bool:
        """Whether the key was for the offers; no other key is kept from the text."""
        offers, word = self.offers, self.word
        if offers is None or word is None:
            return False
        if key == "tab":
            offer = await offers.best(word)
            if offer is not None:
                self._take(word, offer)
            return offer is not None
        if not offers.shows(word):
            return False
        if key == "enter" and (chosen := offers.chosen) is not None:
            self._take(word, chosen)
        elif (step := _MOVES.get(self.editing_keys.get(key, ""))) is not None:
            offers.move(step)
        elif key in self.closing_keys:
            offers.close()
        else:
            return False
        return True

    def take(self, offer: Offer) -> None:
        """Have a row that was clicked in place of what is being typed."""
        if (word := self.word) is not None:
            self._take(word, offer)

    def _take(self, word: Word, offer: Offer) -> None:
        row, column = self.cursor_location
        self.replace(offer.text, (row, word.start), (row, column))
        if self.offers is not None:
            self.offers.forget()

    def on_text_area_selection_changed(self) -> None:
        self._offer()

    def _on_blur(self, event: events.Blur) -> None:
        super()._on_blur(event)
        self._gone_up = False
        self._stop_typing()
        if self.offers is not None:
            self.offers.forget()

    def _offer(self) -> None:
        if self.offers is not None and self.has_focus:
            self.offers.follow(self.word)

    # -- news of the text -----------------------------------------------------------------------

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self._offer()
        text = self.text
        self.post_message(self.DraftChanged(text, self.writing_to))
        if not self._is_for_others(text):
            self._stop_typing()
            return
        now = self._clock()
        if self._typing_since is None or now - self._typing_since >= TYPING_EVERY:
            self._typing_since = now
            self.post_message(self.Typing(True, self.writing_to))

    def _is_for_others(self, text: str) -> bool:
        """Whether they are to know that something is being written to them."""
        if text.strip() in ("", "/") or self._refusal or self.held:
            return False
        return isinstance(meaning(text), Said)

    def _stop_typing(self) -> None:
        if self._typing_since is not None:
            self._typing_since = None
            self.post_message(self.Typing(False, self.writing_to))
