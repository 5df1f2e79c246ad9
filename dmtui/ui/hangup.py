"""A guard for the end of the terminal: closing the window must not hang the app.

Textual 8.2.8 writes from a thread that dies with the terminal; its bounded queue then fills, and
the app waits for ever, drafts unsaved, instead of leaving.
"""

from __future__ import annotations

import contextlib

from textual.drivers._writer_thread import WriterThread


def _run(thread: WriterThread) -> None:
    write, flush = thread._file.write, thread._file.flush
    gone = False
    while (text := thread._queue.get()) is not None:
        if gone:
            continue
        try:
            write(text)
            if thread._queue.empty():
                flush()
        except OSError:
            gone = True
    with contextlib.suppress(OSError):
        flush()


def guard_hangup() -> None:
    """Have every Textual driver of this process outlive its terminal; once is enough."""
    WriterThread.run = _run  # type: ignore[method-assign, assignment]
