"""Asks for a file, with its path completed, and for a caption."""

from __future__ import annotations

import asyncio
import os
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from dmtui.core.names import clean_line
from dmtui.ui.paths import typed_path

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult

SHOWN = 8
"""Names offered below the line."""

_KEYS = "Enter goes on · Tab completes · Esc cancels"


class PathInput(Input):
    """A line whose Tab completes, and stays where several names go on from what is typed."""

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "tab":
            completed, names = await asyncio.to_thread(completions, self.value)
            if completed != self.value or len(names) > 1:
                event.stop()
                event.prevent_default()
                self.value = completed
                self.cursor_position = len(completed)
                return
        await super()._on_key(event)


class AttachFile(ModalScreen[tuple[Path, str] | None]):
    """Dismissed with the path of a file and its caption, if it can have one; Esc is ``None``."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel", show=False, id="attach.cancel")
    ]

    def __init__(self, title: str, *, captioned: bool = True):
        super().__init__()
        self._title = title
        self._captioned = captioned
        self._path = PathInput(placeholder="Path of the file", id="path")
        self._offered = Static(id="offered", markup=False)
        self._caption = Input(placeholder="Caption, if you want one", id="caption")
        self._notice = Static(id="notice", markup=False)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog step") as dialog:
            dialog.border_title = Content(self._title).markup
            yield self._path
            yield self._offered
            if self._captioned:
                yield self._caption
            yield self._notice
            yield Static(_KEYS, classes="hint", markup=False)

    @on(Input.Changed, "#path")
    @work(exclusive=True)
    async def offer(self, event: Input.Changed) -> None:
        """Show what the path could go on with."""
        self._notice.update("")
        _, names = await asyncio.to_thread(completions, event.value)
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        shown = "  ".join(clean_line(name, 40) for name in names[:SHOWN])
        self._offered.update(shown + more)

    @on(Input.Submitted)
    @work(exclusive=True, group="submit")
    async def go_on(self, event: Input.Submitted) -> None:
        """Enter: with the path, unless it is none of a file."""
        path, fault = await asyncio.to_thread(chosen, self._path.value)
        if fault:
            self._notice.update(fault)
            self.set_focus(self._path)
            return
        self.dismiss((path, self._caption.value))


def chosen(typed: str) -> tuple[Path, str]:
    """The path that was typed, and why there is no file, in one line; empty if there is one."""
    try:
        path = Path(typed_path(typed)).expanduser()
        if not typed.strip():
            return path, "Type the path of a file."
        if path.is_dir():
            return path, "This is a directory: go on with the name of a file in it."
        if path.is_file():
            return path, ""
    except (OSError, ValueError, RuntimeError):
        path = Path(typed)
    return path, "There is no such file."


def completions(typed: str) -> tuple[str, list[str]]:
    """What is typed, as far as all names agree that go on from it, and those names."""
    head, _, start = typed.rpartition("/")
    directory = Path(f"{head}/").expanduser() if "/" in typed else Path.cwd()
    try:
        with os.scandir(directory) as entries:
            names = sorted(
                f"{entry.name}/" if entry.is_dir() else entry.name
                for entry in entries
                if entry.name.startswith(start) and (start or not entry.name.startswith("."))
            )
    except (OSError, ValueError, RuntimeError):
        return typed, []
    common = _beginning(names)
    return (typed[: len(typed) - len(start)] + common if common else typed), names


def _beginning(names: list[str]) -> str:
    """What all of the names, in order, begin with."""
    if not names:
        return ""
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(names[0], names[-1], strict=False))
    return "".join(one for one, _ in pairs)
