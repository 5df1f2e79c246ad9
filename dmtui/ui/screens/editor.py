"""A text in the user's own editor: the terminal is lent to it until it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from dmtui.core.errors import DmtuiError
from dmtui.core.names import clean_line
from dmtui.ui.private_file import write_private

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from textual.app import App

_COMMON = ("sensible-editor", "nano", "vi")


class EditorTrouble(DmtuiError):
    """The text is as it was; the message says why in one line."""


async def edited_outside(
    app: App[object], text: str, environment: Mapping[str, str] = os.environ
) -> str:
    """The text as the editor leaves it. Raises ``EditorTrouble``.

    It is in a file (0600) in a directory of its own (0700) meanwhile, in the memory of the
    session (``XDG_RUNTIME_DIR``) where there is such a place.
    """
    argv = editor(environment)
    try:
        directory = Path(tempfile.mkdtemp(prefix="dmtui-", dir=_place(environment)))
        try:
            file = directory / "message.md"
            write_private(file, text)
            await _run(app, (*argv, str(file)))
            return file.read_text("utf-8", "replace").rstrip("\n")
        finally:
            shutil.rmtree(directory, ignore_errors=True)
    except OSError as error:
        reason = f"The text can't be handed to the editor: {error.strerror}."
        raise EditorTrouble(reason) from error


def editor(environment: Mapping[str, str]) -> Sequence[str]:
    """The program and its arguments. Raises ``EditorTrouble``."""
    for name in ("VISUAL", "EDITOR"):
        try:
            argv = shlex.split(environment.get(name, ""))
        except ValueError as error:
            raise EditorTrouble(f"${name} has a quote without its pair.") from error
        if argv:
            return argv
    found = next(filter(shutil.which, _COMMON), None)
    if found is None:
        raise EditorTrouble("No editor found: name yours in $EDITOR.")
    return (found,)


def _place(environment: Mapping[str, str]) -> str | None:
    place = environment.get("XDG_RUNTIME_DIR")
    return place if place and os.access(place, os.W_OK | os.X_OK) else None


async def _run(app: App[object], argv: Sequence[str]) -> None:
    trouble = ""
    try:
        with app.suspend(), _undisturbed():
            trouble = await _ended(argv)  # not raised: the terminal would not be taken back
    except SuspendNotSupported as error:
        raise EditorTrouble("The terminal can't be lent to an editor here.") from error
    if trouble:
        raise EditorTrouble(trouble)


async def _ended(argv: Sequence[str]) -> str:
    """Why the editor did not do its work; empty if it did."""
    name = clean_line(argv[0], 60)
    try:
        process = await asyncio.create_subprocess_exec(*argv)
    except OSError as error:
        return f"The editor {name} can't be started: {error.strerror}."
    code = await process.wait()
    return f"The editor {name} failed ({code}). Your text is as it was." if code else ""


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Ctrl+C is the editor's, and ends only what there is in it to end."""
    former = signal.signal(signal.SIGINT, _pass)  # unlike SIG_IGN, a program does not inherit it
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)


def _pass(*_: object) -> None:
    return
