"""What carries meaning can be read in every theme: 4.5 to 1 and more (WCAG 2.2, 1.4.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual.color import Color
from textual.geometry import Region
from textual.theme import BUILTIN_THEMES

from dmtui.ui.contrast import COLOURS, LEAST, contrast, grounds, readable
from tests.fakes import BOB
from tests.ui.test_conversation import open_first
from tests.ui.tour import have_texts, tour

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.screen import Screen

    from tests.ui.stage import Stage

COLOURED = [name for name in BUILTIN_THEMES if not name.startswith("ansi")]


def variables_of(theme: str) -> dict[str, str]:
    found = BUILTIN_THEMES[theme]
    return {**found.to_color_system().generate(), **found.variables}


@pytest.mark.parametrize("theme", COLOURED)
def test_text_colours_of_every_theme_can_be_read(theme: str) -> None:
    variables = variables_of(theme)
    changed = {**variables, **readable(variables)}
    for ground in grounds(changed):
        for name in COLOURS:
            assert contrast(Color.parse(changed[f"text-{name}"]), ground) >= LEAST, name


def test_colours_of_the_terminal_are_left_to_it() -> None:
    assert readable(variables_of("ansi-dark")) == {}


def test_black_on_white_is_21_to_1() -> None:
    assert contrast(Color(0, 0, 0), Color(255, 255, 255)) == pytest.approx(21)


def faint(screen: Screen[object]) -> Iterator[str]:
    """What is written on the screen, or its dialog, and can hardly be read."""
    dialogs = screen.query(".dialog, #--container")
    region = dialogs.first().region if dialogs else Region(0, 0, *screen.size)
    lines = screen._compositor.render_strips()[region.y : region.bottom]
    for line in lines:
        for text, style, _ in line.crop(region.x, region.right):
            if style is None or not any(map(str.isalnum, text)):
                continue
            colours = (
                [style.bgcolor, style.color] if style.reverse else [style.color, style.bgcolor]
            )
            front, ground = (Color.from_rich_color(colour) for colour in colours)
            if (ratio := contrast(front, ground)) < LEAST:
                yield f"{text.strip()} {front.hex} on {ground.hex}: {ratio:.1f}"


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
async def test_every_word_on_every_screen_can_be_read(stage: Stage, theme: str) -> None:
    await have_texts(stage, "Robert Featherstonehaugh")
    async with stage.open((100, 30)):
        stage.app.theme = theme
        async for name in tour(stage):
            assert [f"{name}: {found}" for found in faint(stage.app.screen)] == []


@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light"])
async def test_without_colours_the_terminal_s_own_are_left_and_the_cursor_is_reversed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, theme: str
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    await stage.server.have_direct_room(BOB, "Bob", history=["hello"])
    async with stage.open():
        stage.app.theme = theme
        await stage.until(lambda: stage.people.rows)
        await stage.pilot.pause()
        lines = stage.app.screen._compositor.render_strips()
        styles = {text: style for line in lines for text, style, _ in line if style is not None}
        assert not any(style.color or style.bgcolor for style in styles.values())
        (bob,) = [style for text, style in styles.items() if text.strip() == "Bob"]
        assert bob.reverse


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
async def test_without_colours_greys_can_be_told_apart(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, theme: str
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    await stage.server.have_direct_room(BOB, "Bob", history=["hello"])
    async with stage.open():
        stage.app.theme = theme
        await open_first(stage)
        assert list(faint(stage.app.screen)) == []
