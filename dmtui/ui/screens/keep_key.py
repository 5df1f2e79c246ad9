"""The recovery key, shown once: it is kept when it was typed again, or saved to a file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from dmtui.ui.clipboard import hand_to_tmux
from dmtui.ui.private_file import taken, write_private
from dmtui.ui.screens.confirm import prompt_of

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult

ROW = 4  # groups of the key beside each other
FILE_NAME = "matrix-recovery-key.txt"
WHY = (
    "Whoever has this key reads your messages; whoever loses it, and all devices, can't."
    " It is shown only until you have kept it."
)
_CHOICES = (
    ("w", "I have written it down"),
    ("y", "Copy it, for a password manager"),
    ("s", "Save it to a file that only I can read"),
)


def rows_of(key: str) -> str:
    """The key's groups in rows, as one copies them by hand."""
    groups = key.split()
    rows = (groups[at : at + ROW] for at in range(0, len(groups), ROW))
    return "\n".join("   ".join(row) for row in rows)


class KeepKey(ModalScreen[bool]):
    """Dismissed with whether the key is kept; Esc steps back, and from the key leaves it unkept."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", show=False, id="keep.back")
    ]

    VERTICAL_BREAKPOINTS = [(0, "-short"), (24, "-tall")]  # noqa: RUF012 - as Textual types it

    def __init__(self, key: str, user_id: str, home: Path | None = None):
        super().__init__()
        self._key = key
        self._user_id = user_id
        self._home = home if home is not None else Path.home()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog step", id="keep") as dialog:
            dialog.border_title = "Your recovery key"
            yield Static(WHY, markup=False, id="question")
            yield Static(Content.styled(rows_of(self._key), "bold $text-primary"), id="key")
            yield OptionList(
                *(Option(prompt_of(*choice)) for choice in _CHOICES), markup=False, compact=True
            )
            yield Input(id="typed", select_on_focus=False)
            yield Static(id="notice", markup=False)
            yield Static(id="hint", classes="hint", markup=False)

    def on_mount(self) -> None:
        self._step("key")

    @property
    def _typed(self) -> Input:
        return self.query_one("#typed", Input)

    def _step(self, step: str, typed: str = "", placeholder: str = "") -> None:
        """Show the key, ask for its last group (``again``), or for a file (``save``)."""
        showing = step == "key"
        self.set_class(showing, "-key")
        self._asked = step
        self.query_one("#key").display = showing
        options = self.query_one(OptionList)
        options.display = showing
        self._typed.display = not showing
        self._typed.value, self._typed.placeholder = typed, placeholder
        self._typed.cursor_position = len(typed)
        texts = {
            "key": (WHY, "↑ ↓ Enter or the letter · Esc: later"),
            "again": (
                "Type the last four letters of the key, from what you have kept.",
                "Enter goes on · Esc shows the key again",
            ),
            "save": ("Where to save it?", "Enter saves · Esc shows the key again"),
        }
        question, hint = texts[step]
        self.query_one("#question", Static).update(question)
        self.query_one("#hint", Static).update(hint)
        self._tell("")
        self.set_focus(options if showing else self._typed)

    def action_back(self) -> None:
        """Esc."""
        if self._asked == "key":
            self.dismiss(False)
        else:
            self._step("key")

    @on(OptionList.OptionSelected)
    def choose(self, event: OptionList.OptionSelected) -> None:
        """Enter."""
        self._do(_CHOICES[event.option_index][0])

    def on_key(self, event: events.Key) -> None:
        if self._asked == "key" and event.character in {letter for letter, _ in _CHOICES}:
            event.stop()
            self._do(str(event.character))

    def _do(self, letter: str) -> None:
        match letter:
            case "w":
                self._step("again", placeholder="Last group")
            case "y":
                self._copy()
            case _:
                self._step("save", str(self._home / FILE_NAME))

    @work(group="copy")
    async def _copy(self) -> None:
        self.app.copy_to_clipboard(self._key)
        copied = await hand_to_tmux(self._key)
        self._tell(
            "Copied: paste it somewhere safe, then press w."
            if copied
            else "Not copied: tmux did not take it."
        )

    @on(Input.Submitted)
    def go_on(self, event: Input.Submitted) -> None:
        """Enter: the last group is right, or the file is to be written."""
        event.stop()
        if self._asked == "save":
            self._save(event.value.strip())
        elif event.value.split()[-1:] == self._key.split()[-1:]:
            self.dismiss(True)
        elif event.value.strip():
            self._tell("That is not its last group: capital and small letters differ.")

    @work(group="save", exclusive=True)
    async def _save(self, name: str) -> None:
        if not name:
            return
        path = self._home / name.replace("~", str(self._home), 1) if name[:1] == "~" else Path(name)
        text = f"Recovery key of {self._user_id}\n{self._key}\n"
        try:
            await asyncio.to_thread(write_private, path, text)
        except FileExistsError:
            self._tell(taken(path))
        except OSError as error:
            self._tell(f"Not saved: {error.strerror or error}.")
        else:
            self.app.notify(f"The recovery key is in {path}.", timeout=10, markup=False)
            self.dismiss(True)

    def _tell(self, line: str) -> None:
        self.query_one("#notice", Static).update(line)
