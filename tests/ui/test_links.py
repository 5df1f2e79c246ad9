"""Opening a link: nothing is opened unless it is meant, and what is shown is where it leads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dmtui.ui.browser import open_in_browser
from dmtui.ui.screens.confirm import Question
from tests.fakes import BOB

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.ui.stage import Stage


def put_opener(directory: Path, script: str) -> dict[str, str]:
    file = directory / "xdg-open"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return {"DISPLAY": ":0", "PATH": f"{directory}:/usr/bin:/bin"}


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """What the desktop was to open, a line for each."""
    monkeypatch.setattr("sys.platform", "linux")
    note = tmp_path / "opened"
    for name, value in put_opener(tmp_path, f'echo "$@" >>{note}').items():
        monkeypatch.setenv(name, value)
    return lambda: note.read_text() if note.exists() else ""


def asked(stage: Stage) -> str:
    screen = stage.app.screen
    if not isinstance(screen, Question):
        return ""
    return f"{screen.query_one('.dialog').border_title} {screen.query_one('#question').content}"  # type: ignore[attr-defined]


async def test_url_is_one_argument_of_the_desktops_opener(tmp_path: Path) -> None:
    environment = put_opener(tmp_path, f'echo "$#" "$@" >{tmp_path}/opened')
    assert await open_in_browser("https://a.example/?a=$(id)&b=;c", environment)
    assert (tmp_path / "opened").read_text() == "1 https://a.example/?a=$(id)&b=;c\n"


async def test_without_a_desktop_or_its_opener_nothing_is_opened(tmp_path: Path) -> None:
    environment = put_opener(tmp_path, f"echo >{tmp_path}/opened")
    assert not await open_in_browser("https://a.example", environment | {"DISPLAY": ""})
    assert not (tmp_path / "opened").exists()
    assert not await open_in_browser("https://a.example", environment | {"PATH": "/none"})
    assert not await open_in_browser("https://a.example", put_opener(tmp_path, "exit 3"))


async def test_a_link_is_opened_once_its_whole_target_was_seen(
    stage: Stage, opened: Callable[[], str]
) -> None:
    html = '<a href="https://evil.example/login?x=1">https://bank.example</a>'
    room = await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open() as pilot:
        await stage.server.say(room, BOB, "bank", html)
        await pilot.press("enter")
        await stage.until(stage.shows("https://bank.example (evil.example)"))
        await pilot.press("up", "o")
        await stage.until(lambda: "evil.example" in asked(stage))
        assert asked(stage) == ("This link leads to evil.example https://evil.example/login?x=1")
        assert not opened()
        await pilot.press("o")
        await stage.until(opened)
        assert opened() == "https://evil.example/login?x=1\n"


async def test_of_several_links_one_is_chosen_and_enter_only_copies(
    stage: Stage, opened: Callable[[], str]
) -> None:
    await stage.server.have_direct_room(
        BOB, "Bob", history=["https://a.example/1 and https://b.example/2"]
    )
    async with stage.open() as pilot:
        await pilot.press("enter")
        await stage.until(lambda: stage.focus_is(stage.composer))
        await pilot.press("up", "o")
        await stage.until(lambda: "Which link?" in asked(stage))
        await pilot.press("2")
        await stage.until(lambda: "b.example" in asked(stage))
        await pilot.press("enter")
        await stage.until(lambda: stage.app.clipboard == "https://b.example/2")
        assert not opened()


async def test_where_no_browser_opens_the_link_is_copied(
    stage: Stage, opened: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", "")
    monkeypatch.setenv("WAYLAND_DISPLAY", "")
    await stage.server.have_direct_room(BOB, "Bob", history=["https://a.example"])
    async with stage.open() as pilot:
        await pilot.press("enter")
        await stage.until(lambda: stage.focus_is(stage.composer))
        await pilot.press("up", "o")
        await stage.until(lambda: "a.example" in asked(stage))
        await pilot.press("o")
        await stage.until(lambda: stage.app.clipboard == "https://a.example")
        assert any("No browser" in line for line in stage.notices())


async def test_a_message_without_a_link_says_so(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["javascript:alert(1)"])
    async with stage.open() as pilot:
        await pilot.press("enter")
        await stage.until(lambda: stage.focus_is(stage.composer))
        await pilot.press("up", "o")
        await stage.until(lambda: any("no link" in line for line in stage.notices()))
