"""A walk through the screens of the app, each as a user opens it, with one person's texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.containers import ScrollableContainer
from textual.widgets import Static

from dmtui.core.events import Line, Reaction
from dmtui.core.model import (
    Attachment,
    AttachmentKind,
    Availability,
    Kind,
    Media,
    PersonDevice,
    Presence,
    Profile,
    Safe,
    UserId,
)
from dmtui.core.own_devices import OwnDevice
from tests.fakes import BOB, ME
from tests.ui.test_conversation import open_first

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from textual.screen import Screen

    from tests.ui.stage import Stage

EVE = UserId("@eve:example.org")
MALLORY = UserId("@mallory:example.org")
_OF_PERSON = ("card", "rename", "leave", "forget", "export", "except_devices", "ignore", "group")
_OF_PERSON_TOO = ("make_room", "verify", "why")
_GENERAL = ("encryption", "profile", "start_group")
_KEYS = ("f1", "ctrl+p", "ctrl+k", "ctrl+n", "ctrl+t", "f5")
_ON_A_MESSAGE = ("enter", "plus", "o")


async def have_texts(stage: Stage, text: str) -> None:
    """Have the text in every place that others write to: names, messages, files, devices."""
    said = Safe(text)
    server = stage.server
    room = await server.have_direct_room(BOB, text, encrypted=True)
    first = await server.do(room, BOB, Line(Kind.TEXT, said, f"<b>{text}</b> <code>{text}</code>"))
    media = Media("mxc://x/y", size=5)
    file = Attachment(AttachmentKind.FILE, said, media, caption=said)
    for kind in (Kind.EMOTE, Kind.NOTICE, Kind.OTHER):
        await server.do(room, BOB, Line(kind, said))
    await server.do(room, BOB, Line(Kind.ATTACHMENT, said, attachment=file))
    await server.do(room, ME, Line(Kind.TEXT, said, reply_to=first))
    await server.do(room, BOB, Line(Kind.TEXT, said, f'<a href="https://x.org">{text}</a>'))
    await server.do(room, BOB, Reaction(first, said))
    await server.have_group(BOB, EVE, name=text)
    server.profiles[BOB] = Profile(BOB, said)
    server.profiles[EVE] = Profile(EVE, said)
    server.presences[BOB] = Presence(Availability.ONLINE, said)
    server.devices[BOB] = (PersonDevice("D", said, "finger"),)
    server.own.append(OwnDevice("OTHER", said, "finger", False))
    await server.invite(EVE, text)
    await server.invite(MALLORY, text)


async def tour(stage: Stage) -> AsyncIterator[str]:
    """Open one after the other, and name it; ``have_texts`` before the app is opened."""
    await stage.until(lambda: stage.people.rows)
    yield "people"
    await open_first(stage)
    await stage.until(lambda: stage.timeline.cursor_message is None)
    yield "conversation"
    for acts, do in (
        ((*_OF_PERSON, *_OF_PERSON_TOO), stage.main.action_person),
        (_GENERAL, stage.main.action_general),
    ):
        for name in acts:
            do(name)
            await _until_open(stage)
            yield name
            await _close(stage)
    for key in _KEYS:
        await stage.pilot.press(key)
        await _until_open(stage)
        yield key
        await _close(stage)
    stage.main.action_list_requests()
    await _until_open(stage)
    yield "requests"
    await _close(stage)
    for key in _ON_A_MESSAGE:
        stage.composer.focus()
        await stage.pilot.press("up", key)
        await _until_open(stage)
        yield f"message {key}"
        await _close(stage)
    stage.composer.focus()
    await stage.pilot.press("up", "r")
    await stage.until(lambda: stage.main.query_one("#aim").display)
    yield "reply"
    await stage.pilot.press("escape", "@", "b")
    await stage.pilot.pause()
    yield "completion"


async def _until_open(stage: Stage) -> None:
    await stage.until(lambda: stage.app.screen is not stage.main)
    await stage.pilot.pause()


async def _close(stage: Stage) -> None:
    while stage.app.screen is not stage.main:
        await stage.pilot.press("escape")
        await stage.pilot.pause()


def cut(screen: Screen[object]) -> Iterator[str]:
    """Texts that can neither be seen nor scrolled to as a whole; "…" at an end says so itself."""
    for static in screen.query(Static):
        text = str(static.visual)
        if not text or not _is_shown(static) or _scrolls(static) or _is_shortened(static):
            continue
        size = static.content_size
        place = screen.find_widget(static)
        wraps = static.styles.text_wrap == "wrap"
        needed = static.get_content_height(static.container_size, screen.size, size.width)
        whole = size.height >= needed if wraps else size.width >= cell_len(text)
        if place.visible_region != place.region or not whole:
            yield f"#{static.id} {text}"


def _is_shown(static: Static) -> bool:
    return all(node.display for node in static.ancestors_with_self if hasattr(node, "display"))


def _is_shortened(static: Static) -> bool:
    return static.styles.text_overflow == "ellipsis"


def _scrolls(static: Static) -> bool:
    return any(isinstance(node, ScrollableContainer) for node in static.ancestors)
