"""The status line: how the connection stands, what waits, and how the conversation is protected."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import tzinfo
from typing import ClassVar

from rich.cells import cell_len
from textual.reactive import reactive
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from dmtui.core.model import Connection, Phase
from dmtui.core.times import clock_time
from dmtui.ui.widgets.cells import clip, printable, strip
from dmtui.ui.widgets.system_zone import SystemZone

SEPARATOR = " · "


class StatusLine(Widget):
    """One line; assign ``connection``, ``pending``, ``notice`` and ``encryption``.

    It counts the seconds to the next try by itself, and only then has a timer; where nothing is to
    move it says the time of that try.
    """

    DEFAULT_CSS = """
    StatusLine {
        height: 1;
        background: $surface;
        color: $text-muted;
        & > .status--online { color: $text-success; }
        & > .status--waiting { color: $text-warning; }
        & > .status--down { color: $text-error; text-style: bold; }
        & > .status--notice { color: $text-accent; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "status--online",
        "status--waiting",
        "status--down",
        "status--notice",
    }

    connection: reactive[Connection | None] = reactive(None)
    pending: reactive[tuple[str, ...]] = reactive(())
    notice: reactive[str] = reactive("")
    encryption: reactive[str] = reactive("")

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.time,
        zone: tzinfo | None = None,
        id: str | None = None,  # noqa: A002 - Textual's name
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._now = now
        self._zone = zone or SystemZone()
        self._ticking: Timer | None = None

    def watch_connection(self, connection: Connection | None) -> None:
        counting = connection is not None and connection.retry_at is not None and not self._still
        if counting and self._ticking is None:
            self._ticking = self.set_interval(1.0, self.refresh)
        elif not counting and self._ticking is not None:
            self._ticking.stop()
            self._ticking = None

    @property
    def _still(self) -> bool:
        return self.app.animation_level == "none"

    def words(self) -> tuple[str, str]:
        """What the left half says of the connection, and the component class that colours it."""
        connection = self.connection
        if connection is None:
            return "", ""
        match connection.phase:
            case Phase.CONNECTING:
                sign, text, name = "◌ ", "Connecting…", "status--waiting"
            case Phase.ONLINE:
                sign, text, name = "● ", "Online", "status--online"
            case Phase.SIGNED_OUT:
                text = _with_reason("Signed out", connection.reason)
                sign, name = "✗ ", "status--down"
            case Phase.OFFLINE:
                sign, text, name = "○ ", self._offline(connection), "status--waiting"
        return text if self.app.has_class("plain") else f"{sign}{text}", name

    def _offline(self, connection: Connection) -> str:
        since = clock_time(int(connection.since * 1000), self._zone)
        text = f"Offline since {since}"
        if connection.retry_at is not None and self._still:
            text += f", retry at {clock_time(int(connection.retry_at * 1000), self._zone)}"
        elif connection.retry_at is not None:
            seconds = max(0, round(connection.retry_at - self._now()))
            text += f", retry in {seconds} s" if seconds else ", trying again"
        return _with_reason(text, connection.reason)

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        ground = self.rich_style
        text, name = self.words()
        right = printable(self.encryption)
        items = [text, *self.pending]
        left = SEPARATOR.join(printable(item) for item in items if item)
        notice = f"{printable(self.notice)}{SEPARATOR}" if self.notice else ""
        room = width - 2 - cell_len(notice) - (cell_len(right) + 2 if right else 0)
        left = clip(left, room) if room > 4 else clip(left, width - 2 - cell_len(notice))
        gap = width - 2 - cell_len(notice) - cell_len(left) - cell_len(right)
        split = min(len(text), len(left))
        style = self.get_component_rich_style(name) if name else ground
        parts = [
            (" ", ground),
            (notice, self.get_component_rich_style("status--notice")),
            (left[:split], style),
            (left[split:], ground),
        ]
        if gap >= 2 or not left:
            parts.append((" " * max(gap, 0) + right, ground))
        return strip(parts, width, ground)


def _with_reason(text: str, reason: str) -> str:
    return f"{text}: {reason}" if reason else text
