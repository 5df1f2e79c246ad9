"""The film of a terminal that the README begins with."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from screenshots.film import LINE, Frame, film

SVG = "{http://www.w3.org/2000/svg}"


def line(text: str, style: str = "white on #121212") -> Strip:
    return Strip([Segment(text, Style.parse(style))])


def frame(*texts: str, seconds: float = 1.0, keys: str = "", what: str = "") -> Frame:
    return Frame(tuple(line(text) for text in texts), seconds, keys, what)


def shown(svg: str) -> list[list[str]]:
    """The texts of each frame, from top to bottom."""
    root = ET.fromstring(svg)  # noqa: S314 - our own
    drawn = {f"#{each.get('id')}": each for each in root.iter(f"{SVG}g") if each.get("id")}
    (strip,) = [each for each in root.iter(f"{SVG}g") if each.get("class") == "film"]
    return [
        [
            text.text or ""
            for use in one.iter(f"{SVG}use")
            for text in drawn[use.get("href", "")].iter(f"{SVG}text")
        ]
        for one in strip
    ]


def test_every_frame_shows_its_lines_and_its_caption() -> None:
    frames = [frame("one", "<&>"), frame("one", "two", keys="Ctrl+N", what="start a chat")]
    assert shown(film(frames, "dmtui")) == [
        ["one", "<&>"],
        ["one", "two", "Ctrl+N", "start a chat"],
    ]


def test_line_that_is_seen_often_is_drawn_once() -> None:
    frames = [frame("the same", str(number)) for number in range(20)]
    assert film(frames, "dmtui").count("the same") == 1


def test_frames_last_as_long_as_they_were_seen() -> None:
    svg = film([frame("a", seconds=1), frame("b", seconds=3), frame("c", seconds=4)], "dmtui")
    assert "film 8.00s step-end infinite" in svg
    assert re.findall(r"([\d.]+)%\{", svg) == ["0.000", "12.500", "50.000"]


def test_one_frame_is_there_for_those_without_motion() -> None:
    frames = [frame("a"), frame("b"), frame("c")]
    svg = film(frames, "dmtui", still=1)
    step = int(re.findall(r"translate\(0 (\d+)\)", svg)[1])
    assert step > LINE
    assert f'class="film" transform="translate(0 {-step})"' in svg
    assert "@media(prefers-reduced-motion:reduce){.film{animation:none}}" in svg


def test_looks_are_kept() -> None:
    bold = Frame((line("bold", "bold #ff0000 on #0000ff"), line("turned", "reverse")), 1.0)
    svg = film([bold], "dmtui")
    assert 'fill="#ff0000" class="b">bold<' in svg
    assert 'height="20" fill="#0000ff"/>' in svg
    assert 'fill="#121212">turned<' in svg


def test_there_is_no_film_without_a_frame() -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        film([], "dmtui")
