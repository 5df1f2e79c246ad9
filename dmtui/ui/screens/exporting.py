"""Saving a conversation to a file: where to, and how it went."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from dmtui.core.errors import DmtuiError
from dmtui.messenger.export import INCOMPLETE, style_of
from dmtui.ui.private_file import taken
from dmtui.ui.widgets.system_zone import SystemZone

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from dmtui.core.model import Conversation
    from dmtui.messenger.messenger import Messenger
    from dmtui.ui.screens.hands import Hands


async def export(hands: Hands, conversation: Conversation) -> None:
    """Ask for the file, and write it."""
    await hands.ask(Exporting(hands.messenger, conversation))


class Exporting(ModalScreen[None]):
    """Dismissed when the file is written, or by Esc; what is being written then is completed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel", show=False, id="export.cancel")
    ]

    def __init__(self, messenger: Messenger, conversation: Conversation, home: Path | None = None):
        super().__init__()
        self._messenger = messenger
        self._conversation = conversation
        self._home = home if home is not None else Path.home()

    def compose(self) -> ComposeResult:
        path = self._home / f"{_file_name(self._conversation.name)}.txt"
        with Vertical(classes="dialog step") as dialog:
            dialog.border_title = "Save the conversation"
            yield Static(
                "All messages on this computer, readable to whoever reads the file."
                " The end of its name says how: .txt, .md or .json",
                markup=False,
            )
            yield Input(str(path), select_on_focus=False)
            yield Static(id="notice", markup=False)
            yield Static("Enter saves · Esc cancels", classes="hint", markup=False)

    @on(Input.Submitted)
    def save(self, event: Input.Submitted) -> None:
        """Enter."""
        event.stop()
        if name := event.value.strip():
            at_home = name[:1] == "~"
            self._save(self._home / name[1:].lstrip("/") if at_home else Path(name))

    @work(group="save", exclusive=True)
    async def _save(self, path: Path) -> None:
        self._tell("Saving…")
        try:
            complete = await self._messenger.export(
                self._conversation, path, style_of(path), SystemZone()
            )
        except FileExistsError:
            self._tell(taken(path))
        except OSError as error:
            self._tell(f"Not saved: {error.strerror or error}.")
        except DmtuiError as error:
            self._tell(str(error))
        else:
            told = f"The conversation is in {path}."
            self.app.notify(told if complete else f"{told} {INCOMPLETE}", timeout=10, markup=False)
            self.dismiss(None)

    def _tell(self, line: str) -> None:
        self.query_one("#notice", Static).update(line)


def _file_name(name: str) -> str:
    """The person's name as a file may be called."""
    return re.sub(r"[^\w-]+", "-", name).strip("-")[:60] or "conversation"
