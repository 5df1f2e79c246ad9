"""Which terminals draw images themselves, and what is written to them."""

from __future__ import annotations

import re
from base64 import b64decode

import pytest

from dmtui.core.images import Drawing, Drawn
from dmtui.ui.graphics import Graphic, drawn_with

KITTY = re.compile(r"\x1b_G([a-zA-Z0-9=,]+)(?:;([A-Za-z0-9+/=]+))?\x1b\\")


@pytest.mark.parametrize(
    ("environment", "drawing"),
    [
        ({"TERM": "xterm-kitty"}, Drawing.KITTY),
        ({"TERM": "xterm-ghostty", "TERM_PROGRAM": "ghostty"}, Drawing.KITTY),
        ({"TERM": "foot"}, Drawing.SIXEL),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, Drawing.SIXEL),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, Drawing.SIXEL),
        ({"TERM": "xterm-256color", "KONSOLE_VERSION": "230804"}, Drawing.SIXEL),
        ({"TERM": "xterm-256color", "KONSOLE_VERSION": "211203"}, Drawing.BLOCKS),
        ({"TERM": "xterm-256color", "KONSOLE_VERSION": "new"}, Drawing.BLOCKS),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, Drawing.BLOCKS),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, Drawing.BLOCKS),
        ({"TERM": "tmux-256color", "TERM_PROGRAM": "tmux", "TMUX": "x"}, Drawing.BLOCKS),
        ({"TERM": "xterm-kitty", "TMUX": "x"}, Drawing.BLOCKS),
        ({"TERM": "foot", "STY": "1.x"}, Drawing.BLOCKS),
        ({}, Drawing.BLOCKS),
    ],
)
def test_the_terminal_is_known_by_its_environment(
    environment: dict[str, str], drawing: Drawing
) -> None:
    assert drawn_with(environment, Drawing.AUTO) is drawing


@pytest.mark.parametrize("wish", [Drawing.KITTY, Drawing.SIXEL, Drawing.BLOCKS, Drawing.OFF])
def test_the_users_word_goes_before_the_environment(wish: Drawing) -> None:
    assert drawn_with({"TERM": "foot", "TMUX": "x"}, wish) is wish


@pytest.mark.parametrize("size", [1, 3000, 20_000])
def test_kitty_is_handed_the_image_in_pieces_and_asked_for_no_answer(size: int) -> None:
    png = bytes(range(256)) * (size // 256 + 1)
    graphic = Graphic.of(Drawn(Drawing.KITTY, 100, 75, png), (10, 20))
    assert (graphic.columns, graphic.rows) == (10, 4)
    assert KITTY.sub("", graphic.hand_over) == ""
    pieces = KITTY.findall(graphic.hand_over)
    assert b64decode("".join(data for _, data in pieces)) == png
    assert all(len(data) <= 4096 for _, data in pieces)
    ends = [re.search(r"m=(\d)", keys)[1] for keys, _ in pieces]  # type: ignore[index]
    assert ends == ["1"] * (len(pieces) - 1) + ["0"]
    assert "a=t,f=100" in pieces[0][0]
    commands = (pieces[0][0], graphic.paint, graphic.erase, graphic.forget)
    assert all("q=2" in command for command in commands)


def test_images_are_drawn_at_a_cell_and_the_cursor_stays() -> None:
    sixels = Drawn(Drawing.SIXEL, 11, 6, b"\x1bPq~\x1b\\")
    graphic = Graphic.of(sixels, (10, 20))
    assert (graphic.columns, graphic.rows) == (2, 1)
    assert graphic.at(4, 2) == "\x1b7\x1b[3;5H\x1bPq~\x1b\\\x1b8"
