from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from textual.app import App

from dmtui.ui.screens.editor import EditorTrouble, edited_outside, editor
from tests.fakes import BOB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.ui.stage import Stage


class Lending(App[object]):
    """An app whose terminal can be lent."""

    def __init__(self) -> None:
        super().__init__()
        self.lent = 0

    @contextmanager
    def suspend(self) -> Iterator[None]:
        self.lent += 1
        yield
        self.lent -= 1


def editing_by(tmp_path: Path, code: str) -> dict[str, str]:
    """An environment whose editor is this Python, with the file as ``path``."""
    program = tmp_path / "the editor.py"
    program.write_text(f"import sys, os, pathlib\npath = pathlib.Path(sys.argv[-1])\n{code}\n")
    place = tmp_path / "runtime"
    place.mkdir(mode=0o700)
    return {"EDITOR": f"{sys.executable} '{program}' --wait", "XDG_RUNTIME_DIR": str(place)}


async def test_text_comes_back_as_the_editor_leaves_it(tmp_path: Path) -> None:
    environment = editing_by(tmp_path, "path.write_text(path.read_text() + '\\nmore ⚷\\n')")
    app = Lending()
    assert await edited_outside(app, "so far", environment) == "so far\nmore ⚷"
    assert app.lent == 0


async def test_file_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    code = f"""
modes = [oct(p.stat().st_mode & 0o777) for p in (path, path.parent)]
pathlib.Path({str(tmp_path / "seen")!r}).write_text(" ".join([*modes, str(path)]))
"""
    environment = editing_by(tmp_path, code)
    await edited_outside(Lending(), "secret", environment)
    file_mode, directory_mode, path = (tmp_path / "seen").read_text().split()
    assert (file_mode, directory_mode) == ("0o600", "0o700")
    assert Path(path).is_relative_to(tmp_path / "runtime")
    assert list((tmp_path / "runtime").iterdir()) == []


async def test_editor_that_fails_is_named_and_leaves_nothing_behind(tmp_path: Path) -> None:
    environment = editing_by(tmp_path, "path.write_text('half'); sys.exit(3)")
    app = Lending()
    with pytest.raises(EditorTrouble, match=r"failed \(3\). Your text is as it was."):
        await edited_outside(app, "kept", environment)
    assert app.lent == 0
    assert list((tmp_path / "runtime").iterdir()) == []


async def test_editor_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    app = Lending()
    with pytest.raises(EditorTrouble, match="no-such-editor can't be started"):
        await edited_outside(app, "kept", {"VISUAL": "no-such-editor", "EDITOR": "ed"})
    assert app.lent == 0


def test_visual_comes_before_editor_and_no_shell_reads_them() -> None:
    assert editor({"VISUAL": "code --wait '$(x)'", "EDITOR": "vi"}) == ["code", "--wait", "$(x)"]
    assert editor({"VISUAL": " ", "EDITOR": "vi -n"}) == ["vi", "-n"]
    with pytest.raises(EditorTrouble, match=r"\$EDITOR has a quote"):
        editor({"EDITOR": "vi 'x"})


async def test_composer_takes_what_was_written_and_can_undo_it(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = editing_by(tmp_path, "path.write_text('two\\nlines\\x1b[31m\\n')")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("VISUAL", raising=False)
    await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open() as pilot:
        monkeypatch.setattr(stage.app, "suspend", Lending().suspend)
        await stage.until(lambda: stage.people.rows)
        await pilot.press("enter")
        await stage.until(lambda: stage.focus_is(stage.composer))
        await stage.type("one")
        await pilot.press("ctrl+o")
        await stage.until(lambda: stage.composer.text == "two\nlines[31m")
        await pilot.press("ctrl+z")
        assert stage.composer.text == "one"


async def test_composer_keeps_its_text_where_the_terminal_can_not_be_lent(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", "true")
    await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open(toasts=True) as pilot:
        await stage.until(lambda: stage.people.rows)
        await pilot.press("enter")
        await stage.until(lambda: stage.focus_is(stage.composer))
        await stage.type("kept")
        await pilot.press("ctrl+o")
        await stage.until(
            lambda: "The terminal can't be lent to an editor here." in stage.notices()
        )
        assert stage.composer.text == "kept"
