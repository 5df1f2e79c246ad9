"""What commands print: nothing in it steers the terminal."""

from __future__ import annotations

import json

import pytest

from dmtui.command_line.answers import complain, say, say_json, tell

HOSTILE = "https://x/\x1b]52;c;aGk=\x07\x9b31m\x7f\u202eevil\u2066"


def test_no_line_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    for speak in (say, tell, complain):
        speak(f"{HOSTILE}\tname")
    out, err = capsys.readouterr()
    for line in (*out.splitlines(), *err.splitlines()):
        assert line.replace("\t", "").isprintable()
        assert "evil" in line
    assert "\tname" in out


def test_json_says_the_same_in_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    say_json({"name": HOSTILE})
    out, _ = capsys.readouterr()
    assert out.strip().isprintable()
    assert json.loads(out) == {"name": HOSTILE}
