"""Textual apps that do next to nothing: ``python -m benchmarks.minimal static|textarea``."""

from __future__ import annotations

import sys

from textual.app import App, ComposeResult
from textual.widgets import Static

READY = "a minimal app"


class Minimal(App[None]):
    """One line of text."""

    def compose(self) -> ComposeResult:
        yield Static(READY)


class Writing(App[None]):
    """A text area and nothing else."""

    def compose(self) -> ComposeResult:
        from textual.widgets import TextArea

        yield Static(READY)
        yield TextArea()


if __name__ == "__main__":
    (Writing if sys.argv[1:] == ["textarea"] else Minimal)().run()
