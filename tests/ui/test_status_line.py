from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult

from dmtui.core.model import Connection, Phase, Safe
from dmtui.ui.widgets.status_line import StatusLine
from dmtui.ui.widgets.typing_line import TypingLine
from tests.ui.hosting import HOSTILE, NOW, STEERING, painted


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.seconds = NOW

    def compose(self) -> ComposeResult:
        yield StatusLine(now=lambda: self.seconds, zone=UTC)
        yield TypingLine()

    @property
    def status(self) -> StatusLine:
        return self.query_one(StatusLine)


OFFLINE = Connection(Phase.OFFLINE, since=NOW + 180, retry_at=NOW + 12)


@pytest.mark.parametrize(
    ("connection", "words"),
    [
        (Connection(Phase.CONNECTING, NOW), "Connecting…"),
        (Connection(Phase.ONLINE, NOW), "Online"),
        (OFFLINE, "Offline since 12:03, retry in 12 s"),
        (replace(OFFLINE, reason="no route"), "retry in 12 s: no route"),
        (replace(OFFLINE, retry_at=NOW), "Offline since 12:03, trying again"),
        (Connection(Phase.SIGNED_OUT, NOW, reason="removed elsewhere"), "Signed out: removed"),
    ],
)
async def test_connection_is_said_in_words(connection: Connection, words: str) -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.status.connection = connection
        await pilot.pause()
        assert words in painted(app.status)[0]


async def test_seconds_to_the_next_try_follow_the_clock() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.status.connection = OFFLINE
        app.seconds += 5
        await pilot.pause()
        assert "retry in 7 s" in painted(app.status)[0]


@pytest.mark.parametrize("width", [20, 60, 200])
async def test_everything_shares_one_line_of_the_width(width: int) -> None:
    app = Host()
    async with app.run_test(size=(width, 20)) as pilot:
        app.status.connection = Connection(Phase.ONLINE, NOW, reason=HOSTILE)
        app.status.pending = ("DM flag pending", HOSTILE)
        app.status.notice = "Demo"
        app.status.encryption = "encrypted"
        await pilot.pause()
        (line,) = painted(app.status)
        assert cell_len(line) == width
        assert "Demo" in line
        assert not any(byte in line for byte in STEERING)
        if width >= 60:
            assert "DM flag pending" in line
            assert line.rstrip().endswith("encrypted")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ((), ""),
        (("Bob",), "Bob is typing…"),
        (("Bob", "Carol"), "Bob and Carol are typing…"),
        (("Bob", "Carol", "Dan"), "Bob and 2 others are typing…"),
        (("[/x][@click=app.quit]B\x1bob[/]",), "[/x][@click=app.quit]Bob[/] is typing…"),
    ],
)
async def test_typing_line_says_who_types(names: tuple[str, ...], words: str) -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        line = app.query_one(TypingLine)
        line.names = tuple(Safe(name) for name in names)
        await pilot.pause()
        assert painted(line)[0].strip() == words
