"""The keys, read from the registry of commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from dmtui.ui.commands import Scope, of_scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.app import ComposeResult

_KEYS = 20  # columns
_LEGEND = "⚷ encrypted   … queued   ↑ sending   ✓ sent   ✓✓ read"


class Help(ModalScreen[None]):
    """Lists every key by the place where it works."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q", "dismiss", "Close", show=False, id="help.close")
    ]

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog", id="help") as dialog:
            dialog.border_title = "Keys"
            dialog.border_subtitle = "Esc closes"
            yield Static(_LEGEND, id="legend", markup=False)
            for scope in Scope:
                yield Static(scope.value, classes="heading", markup=False)
                yield Static(Content("\n").join(_lines(scope)), markup=False)

    def on_mount(self) -> None:
        self.query_one("#help").focus()


def _lines(scope: Scope) -> Iterator[Content]:
    numbered = False
    for command in of_scope(scope):
        if not command.shown:
            continue
        if command.numbered:
            if not numbered:
                yield _line("Alt+1 … Alt+9", "That person of the list")
            numbered = True
            continue
        yield _line(command.shown, command.title)


def _line(keys: str, title: str) -> Content:
    return Content.assemble((keys.ljust(_KEYS), "$accent"), title)
