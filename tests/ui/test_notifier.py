"""What reaches the terminal when somebody writes, beside the frames."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

import pytest
from textual import events
from textual.drivers.headless_driver import HeadlessDriver

from dmtui.core.events import SyncBatch
from dmtui.core.model import Invite, RoomId, Safe, UserId
from dmtui.core.notify import QUIET, Bodies, How, Language, News, Settings, Title
from dmtui.ui.notifier import GRACE
from dmtui.ui.terminal_escape import POP_TITLE, PUSH_TITLE, Terminal
from tests.fakes import BOB, CAROL, ME
from tests.ui.hosting import HOSTILE

if TYPE_CHECKING:
    from dmtui.core.model import EventId
    from tests.ui.stage import Stage

NOTIFICATION = re.compile(r"\x1b\]777;notify;([^;\x00-\x1f]*);([^;\x00-\x1f]*)\x07(\x07?)")
TITLE = re.compile(r"\x1b\]2;([^\x00-\x1f]*)\x07")


class Recorder(HeadlessDriver):
    """A terminal that takes everything and shows nothing."""

    @property
    def is_headless(self) -> bool:
        return False

    def start_application_mode(self) -> None:
        self.written: list[str] = []
        super().start_application_mode()

    def write(self, data: str) -> None:
        self.written.append(data)


@pytest.fixture
def stage(stage: Stage) -> Stage:
    """The stage, with a terminal that takes notifications."""
    stage.driver = Recorder
    stage.terminal = Terminal(Language.OSC777)
    return stage


def written(stage: Stage) -> list[str]:
    return cast("Recorder", stage.app._driver).written


def notices(stage: Stage) -> list[tuple[str, str]]:
    """Title and body of every notification, each of which is one write."""
    found = [NOTIFICATION.fullmatch(write) for write in written(stage)]
    whole = [(match[1], match[2]) for match in found if match]
    assert len(whole) == sum("]777;" in write for write in written(stage))
    return whole


def title(stage: Stage) -> str:
    return [match[1] for write in written(stage) if (match := TITLE.fullmatch(write))][-1]


async def everything_told(stage: Stage) -> None:
    """Wait until there is nothing left to tell: a message of somebody new has been told, too."""
    await stage.until(lambda: stage.messenger.news() == News())
    before = len(notices(stage))
    room = await stage.server.have_direct_room(CAROL, "Carol")
    await stage.until(lambda: stage.row(CAROL) is not None)
    await stage.server.say(room, CAROL, "the last word")
    await stage.until(lambda: notices(stage)[before:])
    assert notices(stage)[before:] == [("New message from Carol", "the last word")]
    last = next(write for write in written(stage) if "from Carol;the last word" in write)
    written(stage).remove(last)


async def test_a_message_is_told_once_with_bell_and_title(stage: Stage) -> None:
    room = await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open():
        assert title(stage) == "dmtui"
        await stage.server.say(room, BOB, "lunch; at noon?")
        await stage.until(lambda: notices(stage))
        assert notices(stage) == [("New message from Bob", "lunch, at noon?")]
        assert sum(write.endswith("\x07\x07") for write in written(stage)) == 1
        await stage.until(lambda: title(stage) == "(1) dmtui")
        await everything_told(stage)
        assert len(notices(stage)) == 1


async def test_a_burst_is_told_at_its_begin_and_once_more(stage: Stage) -> None:
    room = await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open():
        await stage.server.say(room, BOB, "one")
        await stage.until(lambda: notices(stage))
        began = stage.clock.now()
        for text in ("two", "three", "four"):
            await stage.server.say(room, BOB, text)
        await stage.until(lambda: len(notices(stage)) > 1)
        assert stage.clock.now() - began >= QUIET - GRACE
        assert notices(stage)[1:] == [("3 new messages from Bob", "four")]


async def test_the_first_sync_tells_nothing(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["long", "ago"])
    await stage.server.invite(CAROL, "Carol")
    async with stage.open():
        await stage.until(lambda: title(stage) == "(2) dmtui")
        await everything_told(stage)
        assert notices(stage) == []


async def test_what_came_while_dmtui_was_off_is_one_notice(stage: Stage) -> None:
    rooms = {user: await stage.server.have_direct_room(user, name) for user, name in CROWD.items()}
    async with stage.open():
        await stage.until(lambda: len(stage.people.rows) == len(rooms))
    for user, room in rooms.items():
        await stage.server.say_while_away(room, user, [f"{number}" for number in range(30)])
    async with stage.open(sync=False):
        await stage.until(lambda: notices(stage))
        assert notices(stage)[0][0] == "3 people wrote"
        await everything_told(stage)
        assert len(notices(stage)) == 1


CROWD = {UserId(f"@p{number}:example.org"): f"P{number}" for number in range(3)}


async def test_what_was_told_is_not_told_again_after_a_restart(stage: Stage) -> None:
    room = await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open():
        await stage.server.say(room, BOB, "once")
        await stage.until(lambda: notices(stage))
    async with stage.open(sync=False):
        await stage.until(lambda: title(stage) == "(1) dmtui")
        await everything_told(stage)
        assert notices(stage) == []


async def test_a_message_read_on_another_device_meanwhile_is_not_told(stage: Stage) -> None:
    room = await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open():
        event = await stage.server.say(room, BOB, "seen on the phone")
        await stage.server.read(room, ME, event)
        await stage.until(lambda: len(stage.messages()) == 1)
        await everything_told(stage)
        assert notices(stage) == []


async def test_my_own_message_from_another_device_is_not_told(stage: Stage) -> None:
    room = await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open():
        await stage.server.say(room, ME, "from the phone")
        await stage.until(lambda: len(stage.messages()) == 1)
        await everything_told(stage)
        assert notices(stage) == []


async def test_what_is_on_screen_is_told_only_while_nobody_looks(stage: Stage) -> None:
    room = await stage.server.have_direct_room(BOB, "Bob", history=["hi"])
    async with stage.open() as pilot:
        await pilot.press("alt+1")
        await stage.until(lambda: stage.main.looked_at == BOB)
        await say_and_see(stage, room, "while I look")
        await everything_told(stage)
        assert notices(stage) == []
        stage.app.post_message(events.AppBlur())
        await stage.until(lambda: stage.main.looked_at is None)
        await say_and_see(stage, room, "while I am away")
        await stage.until(lambda: notices(stage))
        assert notices(stage) == [("New message from Bob", "while I am away")]
        stage.app.post_message(events.AppFocus())
        await stage.until(lambda: title(stage) == "(1) dmtui")  # of whoever had the last word


async def say_and_see(stage: Stage, room: RoomId, text: str) -> EventId:
    event = await stage.server.say(room, BOB, text)
    await stage.until(lambda: stage.messages()[-1].body == text)
    return event


async def test_five_hundred_requests_are_told_once(stage: Stage) -> None:
    async with stage.open():
        await stage.server.tell(SyncBatch("", invites=tuple(spam(0, 250))))
        await stage.until(lambda: notices(stage))
        for number in range(250, 500):
            await stage.server.tell(SyncBatch("", invites=tuple(spam(number, number + 1))))
        await stage.until(lambda: len(stage.messenger.invites()) == 500)
        await everything_told(stage)
        assert notices(stage) == [("250 new requests to chat", "")]


def spam(first: int, end: int) -> list[Invite]:
    return [
        Invite(RoomId(f"!spam{number}"), UserId(f"@spam{number}:example.org"), Safe("BUY"), True, 1)
        for number in range(first, end)
    ]


async def test_a_request_is_told_by_user_id(stage: Stage) -> None:
    async with stage.open():
        await stage.server.invite(BOB, "Your Bank")
        await stage.until(lambda: notices(stage))
        assert notices(stage) == [("@bob:example.org wants to chat", "")]


@pytest.mark.parametrize(
    ("bodies", "body"), [(Bodies.UNENCRYPTED, ""), (Bodies.ALWAYS, "between us")]
)
async def test_the_text_of_an_encrypted_chat_is_shown_only_on_demand(
    stage: Stage, bodies: Bodies, body: str
) -> None:
    stage.notifications = Settings(bodies=bodies)
    room = await stage.server.have_direct_room(BOB, "Bob", encrypted=True)
    async with stage.open():
        await stage.server.say(room, BOB, "between us")
        await stage.until(lambda: notices(stage))
        assert notices(stage) == [("New message from Bob", body)]


async def test_hostile_text_is_told_without_its_escapes(stage: Stage) -> None:
    room = await stage.server.have_direct_room(BOB, f"Bob{HOSTILE}")
    async with stage.open():
        await stage.server.say(room, BOB, f"{HOSTILE}\n\x1b\\;$(touch x);-u critical")
        await stage.until(lambda: notices(stage))
        ((heading, body),) = notices(stage)
        assert heading.startswith("New message from Bob")
        assert body.endswith("$(touch x),-u critical")
        assert title(stage) == "(1) dmtui"


async def test_who_wants_no_notification_still_sees_the_title_count(stage: Stage) -> None:
    stage.notifications = Settings(How.OFF)
    room = await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open():
        await stage.server.say(room, BOB, "psst")
        await stage.until(lambda: title(stage) == "(1) dmtui")
        await stage.until(lambda: stage.messenger.news() == News())
        assert notices(stage) == []
        assert "\x07" not in written(stage)


async def test_who_wants_no_title_keeps_their_own(stage: Stage) -> None:
    stage.notifications = Settings(title=Title.OFF)
    room = await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open():
        await stage.server.say(room, BOB, "psst")
        await stage.until(lambda: notices(stage))
        everything = written(stage)
    assert not any(TITLE.search(write) or PUSH_TITLE in write for write in everything)
    assert POP_TITLE not in "".join(everything)


async def test_the_former_title_comes_back_in_the_end(stage: Stage) -> None:
    async with stage.open() as pilot:
        everything = written(stage)
        assert everything.index(PUSH_TITLE) < everything.index("\x1b]2;dmtui\x07")
        await pilot.press("ctrl+q")
        await stage.until(lambda: not stage.app.is_running)
    assert everything[-1].endswith(POP_TITLE)


async def test_muted_people_are_neither_told_of_nor_counted(stage: Stage) -> None:
    room = await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open():
        await stage.messenger.contacts.mute(BOB, True)
        await stage.server.say(room, BOB, "hello?")
        await stage.until(lambda: stage.row() is not None and stage.messages())
        await everything_told(stage)
        assert not any("Bob" in heading for heading, _ in notices(stage))
        assert title(stage) == "(1) dmtui"  # Carol's last word


async def test_the_end_of_a_mute_tells_nothing_of_what_came_before(stage: Stage) -> None:
    room = await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open():
        await stage.messenger.contacts.mute(BOB, True)
        await stage.server.say(room, BOB, "old")
        await stage.until(lambda: stage.messages() and stage.messenger.news() == News())
        await stage.messenger.contacts.mute(BOB, False)
        await stage.until(lambda: title(stage) == "(1) dmtui")
        await stage.server.say(room, BOB, "new")
        await stage.until(lambda: notices(stage))
        assert notices(stage) == [("New message from Bob", "new")]
