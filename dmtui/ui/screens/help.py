"""The keys, read from the registry of commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from dmtui.ui.commands import Scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.app import ComposeResult

    from dmtui.ui.commands import Command, Registry

_KEYS = 19  # columns
_TITLES = 39
_NAMED = 90  # columns; below, there is no room for the names of commands
_REMAPPING = (
    "At the right is the name by which the settings give a command other keys. Under [keys]:\n"
    'person.next = "f9,alt+n"\n'
    "Commands without keys are in the palette."
)
_LEGEND = (
    "⚷ encrypted   … queued   ↑ sending   ✓ sent   ✓✓ read\n"
    "▌ open, or selected   ^ pinned   ! take care: the chat says why"
)


class Help(ModalScreen[None]):
    """Lists every key by the place where it works, and the id by which it can be changed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q", "dismiss", "Close", show=False, id="help.close")
    ]

    def __init__(self, registry: Registry):
        super().__init__()
        self._registry = registry

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog", id="help") as dialog:
            dialog.border_title = "Keys"
            dialog.border_subtitle = "Esc closes"
            yield Static(_LEGEND, id="legend", markup=False)
            for scope in Scope:
                yield Static(scope.value, classes="heading", markup=False)
                yield Static(id=f"keys-{scope.name.lower()}", markup=False)
            yield Static(_REMAPPING, id="remapping", markup=False)

    def on_mount(self) -> None:
        self.query_one("#help").focus()

    def on_resize(self) -> None:
        """Name the commands where there is room for it."""
        for scope in Scope:
            lines = Content("\n").join(self._lines(scope))
            self.query_one(f"#keys-{scope.name.lower()}", Static).update(lines)
        self.query_one("#remapping").display = self._named

    @property
    def _named(self) -> bool:
        return self.app.size.width >= _NAMED

    def _lines(self, scope: Scope) -> Iterator[Content]:
        commands = list(self._registry.of_scope(scope))
        usual = all(
            c.keys == f"alt+{c.id.removeprefix('person.')}" for c in filter(_digit, commands)
        )
        for command in commands:
            if not (usual and _digit(command)):
                yield self._line(command.shown, command.title, "" if command.fixed else command.id)
            elif command.id == "person.1":
                yield self._line("Alt+1 … Alt+9", "That person of the list", "person.1 …")

    def _line(self, keys: str, title: str, name: str) -> Content:
        line = Content.assemble((keys.ljust(_KEYS), "$text-accent"), title.ljust(_TITLES))
        return Content.assemble(line, (f"  {name}", "$text-muted")) if self._named else line


def _digit(command: Command) -> bool:
    return command.numbered
