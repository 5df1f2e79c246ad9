"""A list gone through by the keys of the settings, whichever set of keys is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from dmtui.ui.commands import Scope, bindings

if TYPE_CHECKING:
    from textual.binding import BindingType

Result = TypeVar("Result")


class ListScreen(ModalScreen[Result]):
    """Has one ``OptionList``; its rows are chosen by Enter or a click."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.SETTINGS)]

    @property
    def rows(self) -> OptionList:
        """The list."""
        return self.query_one(OptionList)

    def action_list(self, move: str) -> None:
        """Go about, or choose the row, by an action of the list."""
        getattr(self.rows, f"action_{move}")()

    def show_rows(self, options: list[Option], at: str | None = None) -> None:
        """These rows, the cursor where it was, or on the row ``at`` if there is one."""
        rows, seen = self.rows, self.rows.scroll_offset
        here = at or (rows.highlighted_option.id if rows.highlighted_option else None)
        ids = [option.id for option in options if not option.disabled]
        wanted = here if here in ids else next(iter(ids), None)
        with rows.prevent(OptionList.OptionHighlighted):  # nobody went anywhere
            rows.set_options(options)
            rows.highlighted = None if wanted is None else rows.get_option_index(wanted)
        if at is None:
            rows.scroll_to(y=seen.y, animate=False)


def heading(title: str) -> Option:
    """Of the rows below it."""
    return Option(Content.styled(title, "bold $text-primary"), disabled=True)
