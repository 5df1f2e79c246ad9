"""Copying inside tmux: the text is handed to it, and "Copied." is only said if it took it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dmtui.ui.clipboard import hand_to_tmux
from tests.fakes import BOB

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ui.stage import Stage


def put_tmux(directory: Path, script: str) -> dict[str, str]:
    file = directory / "tmux"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return {"TMUX": "socket", "PATH": f"{directory}:/usr/bin:/bin"}


async def test_text_is_handed_to_tmux(tmp_path: Path) -> None:
    environment = put_tmux(tmp_path, f'echo "$@" >{tmp_path}/asked; cat >{tmp_path}/text')
    assert await hand_to_tmux("$(id) ; größe", environment)
    assert (tmp_path / "asked").read_text() == "load-buffer -w -\n"
    assert (tmp_path / "text").read_text() == "$(id) ; größe"


async def test_failure_of_tmux_is_no_success(tmp_path: Path) -> None:
    assert not await hand_to_tmux("text", put_tmux(tmp_path, "exit 1"))
    assert not await hand_to_tmux("text", {"TMUX": "socket", "PATH": str(tmp_path / "none")})


async def test_outside_of_tmux_nothing_is_run(tmp_path: Path) -> None:
    environment = put_tmux(tmp_path, f"echo >{tmp_path}/asked")
    assert await hand_to_tmux("text", environment | {"TMUX": ""})
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize(("code", "told"), [(0, "Copied."), (1, "Not copied")])
async def test_copying_a_message_tells_what_came_of_it(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, told: str
) -> None:
    for name, value in put_tmux(tmp_path, f"cat >/dev/null; exit {code}").items():
        monkeypatch.setenv(name, value)
    await stage.server.have_direct_room(BOB, "Bob", history=["hello"])
    async with stage.open() as pilot:
        await pilot.press("enter")
        await stage.until(lambda: stage.focus_is(stage.composer))
        await pilot.press("up", "y")
        await stage.until(lambda: any(told in line for line in stage.notices()))
        assert stage.app.clipboard == "hello"
