"""A setting's value, chosen from a few or typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from dmtui.core.setting_kinds import Directory, Number, Written, WrongValue
from dmtui.core.settings import Setting
from dmtui.ui.commands import registry_of
from dmtui.ui.screens.attach_file import PathInput
from dmtui.ui.screens.setting_list import ListScreen

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.app import ComposeResult


class ChooseValue(ListScreen[Written | None]):
    """Dismissed with the value, ``None`` where all stays; ``preview`` gets the highlighted one."""

    def __init__(
        self,
        setting: Setting[object],
        choices: Sequence[tuple[Written, str]],
        value: Written | None,
        preview: Callable[[Written], None],
    ):
        super().__init__()
        self._setting = setting
        self._choices = choices
        self._value = value
        self._preview = preview

    def compose(self) -> ComposeResult:
        close = registry_of(self.app).press("settings.close")
        with Vertical(classes="dialog", id="values") as dialog:
            dialog.border_title = self._setting.title
            yield Static(self._setting.help, markup=False, id="question")
            yield OptionList(markup=False, compact=True)
            yield Static(f"↑ ↓ Enter · {close} leaves it", classes="hint", markup=False)

    def on_mount(self) -> None:
        widest = max(len(str(value)) for value, _ in self._choices)
        options = [
            Option(Content.assemble((str(value).ljust(widest + 2), "$accent"), meaning), id=str(n))
            for n, (value, meaning) in enumerate(self._choices)
        ]
        values = [value for value, _ in self._choices]
        here = values.index(self._value) if self._value in values else 0
        self.show_rows(options, at=str(here))

    @on(OptionList.OptionHighlighted)
    def preview(self, event: OptionList.OptionHighlighted) -> None:
        """Show what it would be like."""
        self._preview(self._choices[event.option_index][0])

    @on(OptionList.OptionSelected)
    def choose(self, event: OptionList.OptionSelected) -> None:
        """Enter, or a click."""
        self.dismiss(self._choices[event.option_index][0])


class Typed(NamedTuple):
    """``None`` is the default again."""

    value: Written | None


class TypeValue(ModalScreen[Typed | None]):
    """Dismissed with what was typed, once it can be; Esc is ``None``."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel", show=False, id="setting.cancel")
    ]

    def __init__(self, setting: Setting[object], kind: Directory | Number, value: Written | None):
        super().__init__()
        self._setting = setting
        self._kind = kind
        self._value = "" if value is None else str(value)

    def compose(self) -> ComposeResult:
        path = isinstance(self._kind, Directory)
        line = PathInput if path else Input
        completes = "Tab completes · " if path else ""
        with Vertical(classes="dialog step") as dialog:
            dialog.border_title = self._setting.title
            yield Static(self._setting.help, markup=False, id="question")
            yield line(self._value, placeholder=self._setting.unset)
            yield Static(id="notice", markup=False)
            yield Static(
                f"Enter saves; nothing is the usual · {completes}Esc leaves it",
                classes="hint",
                markup=False,
            )

    @on(Input.Submitted)
    def take(self, event: Input.Submitted) -> None:
        """Enter."""
        event.stop()
        try:
            typed = self._kind.typed(event.value) if event.value.strip() else None
        except WrongValue as wrong:
            self.query_one("#notice", Static).update(f"It {wrong}.")
            return
        self.dismiss(Typed(typed))
