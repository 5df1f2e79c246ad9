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

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Choice(Generic[Answer]):
    """One answer: its letter, what it reads, and what it means."""

    letter: str
    label: str
    answer: Answer


def prompt_of(letter: str, label: str) -> Content:
    """An answer as a row of a list."""
    return Content.assemble((f" {letter} ", "$accent bold"), " ", label)


class Question(ModalScreen[Answer | None]):
    """Asks, and is dismissed with the answer; Esc is ``None``."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel", show=False, id="question.cancel")
    ]

    def __init__(self, title: str, text: str, choices: Sequence[Choice[Answer]]):
        super().__init__()
        self._title = title
        self._text = text
        self._choices = tuple(choices)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(self._title).markup
            yield Static(Content(self._text), markup=False, id="question")
            options = (Option(prompt_of(c.letter, c.label)) for c in self._choices)
            yield OptionList(*options, markup=False, compact=True)
            yield Static("↑ ↓ Enter or the letter · Esc cancels", classes="hint", markup=False)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._choices[event.option_index].answer)

    def on_key(self, event: events.Key) -> None:
        for choice in self._choices:
            if event.character == choice.letter:
                event.stop()
                self.dismiss(choice.answer)
                return
