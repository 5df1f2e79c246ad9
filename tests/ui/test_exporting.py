"""Saving a conversation to a file from the palette."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

from textual.widgets import Input

from dmtui.ui.screens.exporting import Exporting, _file_name
from tests.fakes import BOB
from tests.ui.test_conversation import open_first

if TYPE_CHECKING:
    from tests.ui.stage import Stage


async def test_a_conversation_is_saved_where_the_user_says(stage: Stage, tmp_path: Path) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["hello"], shown=20)
    async with stage.open() as pilot:
        await open_first(stage)
        await stage.app.run_action("from_palette('export')", stage.main)
        await stage.until(lambda: isinstance(stage.app.screen, Exporting))
        field = stage.app.screen.query_one(Input)
        assert field.value == str(Path.home() / "Bob.txt")
        taken = tmp_path / "taken.md"
        taken.touch()
        field.value = str(taken)
        await pilot.press("enter")
        await stage.until(stage.shows("There is a file of that name: choose another one."))
        field.value = str(tmp_path / "none" / "bob.md")
        await pilot.press("enter")
        await stage.until(stage.shows("Not saved: No such file or directory."))
        file = tmp_path / "bob.md"
        field.value = str(file)
        await pilot.press("enter")
        await stage.until(lambda: not isinstance(stage.app.screen, Exporting))
        assert "**Bob:** hello\n" in file.read_text("utf-8")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stage.notices() == [f"The conversation is in {file}."]


def test_a_name_never_is_a_path() -> None:
    assert _file_name("../../etc/passwd") == "etc-passwd"
    assert _file_name("Bob / Carol") == "Bob-Carol"
    assert _file_name("///") == "conversation"
