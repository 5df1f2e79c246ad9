"""Every screen with texts that nobody honest writes, and in every size of terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len

from tests.ui.hosting import FAMILY, HOSTILE
from tests.ui.test_settled import OBEYED
from tests.ui.tour import cut, have_texts, tour

if TYPE_CHECKING:
    from tests.ui.stage import Stage

MARKS = "\u0301" * 20
CROOKED = f"{FAMILY}❤\ufe0f👍🏽🇩🇪1\ufe0f\u20e3 שלום!e{MARKS}日本"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (f"{HOSTILE}{CROOKED}", (100, 30)),
        (CROOKED, (60, 20)),
        (f"{CROOKED}{HOSTILE}" * 40, (60, 20)),
    ],
    ids=["hostile", "crooked", "long"],
)
async def test_no_text_steers_the_terminal_acts_or_moves_a_column(
    stage: Stage, text: str, size: tuple[int, int]
) -> None:
    await have_texts(stage, text)
    async with stage.open(size, toasts=True):
        stage.main.notify(text, markup=False)
        async for name in tour(stage):
            for strip in stage.app.screen._compositor.render_strips():
                shown = strip.text
                assert cell_len(shown) == size[0], (name, shown)
                assert not any(sign in shown for sign in OBEYED), (name, shown)
                assert "\ufe0f" not in shown, (name, shown)
                actions = [s.style.meta.get("@click") for s in strip if s.style]
                assert not any(actions), (name, shown)


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (200, 60)])
async def test_nothing_is_cut_in_any_size(stage: Stage, size: tuple[int, int]) -> None:
    await have_texts(stage, "Robert Featherstonehaugh")
    async with stage.open(size):
        lost = {f"{name}: {text}" async for name in tour(stage) for text in cut(stage.app.screen)}
    assert lost == set()
