from __future__ import annotations

import os
import signal
import sys

import pytest

from benchmarks.terminal import Terminal
from dmtui.lock import ProfileLock
from dmtui.profile import ProfilePaths

APP = (sys.executable, "-m", "dmtui")
TEXTUAL = "\x1b[?1000h"  # Textual takes the mouse before it paints
LEAVE = "\x1b[?1049l"


def started() -> Terminal:
    return Terminal(APP, os.environ)


def test_people_are_on_screen_before_textual(profile: ProfilePaths) -> None:
    with started() as terminal:
        terminal.until("Carol", TEXTUAL, "Carol")
        before = terminal.painted.decode().split(TEXTUAL)[0]
    assert "Draft: half a thought" in before


def test_keys_typed_during_the_start_reach_the_app(profile: ProfilePaths) -> None:
    with started() as terminal:
        terminal.until("Carol")
        terminal.press("\x1b[B\r")
        terminal.until(TEXTUAL, "@carol:localhost", "half a thought")
        assert b"^[[B" not in terminal.painted


def test_a_paste_is_text_whatever_is_in_it(profile: ProfilePaths) -> None:
    with started() as terminal:
        terminal.until("Carol", TEXTUAL, "Carol")
        terminal.press("\x1b[200~\x1b[31mp\x1b[0ma\rcgm\x1b[201~")  # the list has the focus
        terminal.press("\r")
        terminal.until("essage Bob")
        terminal.press("\x1b[200~error: \x1b[31mfailed\x1b[0m\rrm -rf secret\r\x1b[201~ok")
        terminal.until("error: failed", "rm -rf secret", "ok")
        assert b"queued" not in terminal.painted


def test_a_start_that_fails_gives_the_terminal_back(profile: ProfilePaths) -> None:
    broken = profile.session_file.read_text().replace('"device_id"', '"nothing"')
    profile.session_file.write_text(broken)
    with started() as terminal:
        before = terminal.attributes()
        terminal.until("Carol", LEAVE, "The saved session is damaged")
        terminal.until_ended()
        assert TEXTUAL.encode() not in terminal.painted
        assert terminal.attributes() == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_start_that_is_ended_gives_the_terminal_back(
    profile: ProfilePaths, number: signal.Signals
) -> None:
    with started() as terminal:
        before = terminal.attributes()
        terminal.until("Carol")
        os.kill(terminal.pid, number)
        terminal.until(LEAVE)
        terminal.until_ended()
        assert terminal.attributes() == before


def test_the_terminal_is_as_before_after_quitting(profile: ProfilePaths) -> None:
    with started() as terminal:
        before = terminal.attributes()
        terminal.until("Carol", TEXTUAL, "Carol")
        terminal.press("\x11")
        terminal.until(LEAVE)
        terminal.until_ended()
        assert terminal.attributes() == before
        assert terminal.painted.count(LEAVE.encode()) == 1


def test_while_another_app_has_the_profile_nobody_is_shown(profile: ProfilePaths) -> None:
    with ProfileLock(profile), started() as terminal:
        terminal.until("Another dmtui is already running")
        terminal.until_ended()
        assert b"Carol" not in terminal.painted
        assert b"\x1b[?1049h" not in terminal.painted
