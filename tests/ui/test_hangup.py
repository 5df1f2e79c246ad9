"""A terminal that is gone does not hold up the app."""

from __future__ import annotations

import io

from textual.drivers._writer_thread import MAX_QUEUED_WRITES, WriterThread

from dmtui.ui.hangup import guard_hangup


class GoneTerminal(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")


def test_writing_to_a_closed_terminal_never_blocks() -> None:
    guard_hangup()
    thread = WriterThread(GoneTerminal())
    thread.start()
    for _ in range(MAX_QUEUED_WRITES * 3):
        thread.write("a frame")
    thread.stop()
    assert not thread.is_alive()
