"""A question with a few answers, each with its letter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.app import ComposeResult
    from textual.screen import Screen

Answer = TypeVar("Answer")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Choice(Generic[Answer]):
    """One answer: its letter, what it reads, and what it means."""

    letter: str
    label: str
    answer: Answer


CANCEL: Choice[None] = Choice("c", "Cancel", None)


def prompt_of(letter: str, label: str) -> Content:
    """An answer as a row of a list."""
    return Content.assemble((f" {letter} ", "$text-accent bold"), " ", label)


def is_asked(shown: Screen[object], screen: Screen[Result]) -> bool:
    """Whether the screen on show asks the same already."""
    if isinstance(shown, Question) and isinstance(screen, Question):
        return shown.is_same(screen)
    return type(shown) is type(screen)


class Question(ModalScreen[Answer | None]):
    """Asks, and is dismissed with the answer; Esc is ``None``.

    The first choice is the one that Enter takes: where something follows from the others, it is
    the harmless one. A question that comes by itself (``unasked``) may come while the user types
    to somebody: a letter only goes to its choice, and once anything else was typed, only ↑ and ↓
    choose. What was typed is in :attr:`typed`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel", show=False, id="question.cancel")
    ]

    def __init__(
        self,
        title: str,
        text: str,
        choices: Sequence[Choice[Answer] | Choice[None]],
        *,
        unasked: bool = False,
    ):
        super().__init__()
        self._unasked = unasked
        self._pressed = ""
        self._deaf = False  # whether letters and Enter are no answers
        self.typed = ""
        self._title = title
        self._text = text
        self._choices = tuple(choices)

    def is_same(self, other: Question[Answer]) -> bool:
        """Whether both ask the same."""
        return (self._title, self._text) == (other._title, other._text)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(self._title).markup
            yield Static(Content(self._text), markup=False, id="question")
            options = (Option(prompt_of(c.letter, c.label)) for c in self._choices)
            yield OptionList(*options, markup=False, compact=True)
            keys = "↑ ↓ or the letter, then Enter" if self._unasked else "↑ ↓ Enter or the letter"
            yield Static(f"{keys} · Esc cancels", classes="hint", markup=False)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._choices[event.option_index].answer)

    def on_key(self, event: events.Key) -> None:
        if self._unasked:
            self._overhear(event)
            return
        for choice in self._choices:
            if event.character == choice.letter:
                event.stop()
                self.dismiss(choice.answer)
                return

    def _overhear(self, event: events.Key) -> None:
        """Tell an answer from what is typed to somebody."""
        options = self.query_one(OptionList)
        if event.key in ("up", "down"):
            event.stop()
            self._deaf, self._pressed = False, ""
            move = options.action_cursor_up if event.key == "up" else options.action_cursor_down
            move()
        elif event.key == "enter":
            event.stop()
            if not self._deaf:
                self.dismiss(self._choices[options.highlighted or 0].answer)
        elif event.is_printable and event.character is not None:
            event.stop()
            letters = [choice.letter for choice in self._choices]
            self._pressed += event.character
            if not self._deaf and self._pressed in letters:
                options.highlighted = letters.index(self._pressed)
                return
            self.typed, self._pressed = self.typed + self._pressed, ""
            self._deaf = True
            options.highlighted = 0
            self.query_one(".hint", Static).update("You were typing: ↑ or ↓ chooses · Esc cancels")
