"""One quiet line that says who is typing."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from dmtui.core.model import Safe
from dmtui.ui.widgets.cells import printable


class TypingLine(Widget):
    """Assign ``names``; the line keeps its height when nobody types, so that nothing moves."""

    DEFAULT_CSS = """
    TypingLine { height: 1; padding: 0 2; color: $text-muted; text-style: italic; }
    """

    names: reactive[Sequence[Safe]] = reactive(())

    def render(self) -> Content:
        return Content(typing_words(self.names))


def typing_words(names: Sequence[str]) -> str:
    """Say "Bob is typing…", "Bob and Carol are typing…", "Bob and 2 others are typing…"."""
    match [printable(name) for name in names]:
        case []:
            return ""
        case [name]:
            return f"{name} is typing…"
        case [first, second]:
            return f"{first} and {second} are typing…"
        case [first, *others]:
            return f"{first} and {len(others)} others are typing…"
        case _:
            return ""
