from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dmtui.core.events import Line, SyncBatch, TimelineEvent
from dmtui.core.model import Doubt, Kind, RoomId, Safe, TransactionId, UserId
from dmtui.core.ports import Homeserver
from dmtui.core.trust import IdentityState
from dmtui.core.verification import EMOJI, Phase
from dmtui.demo import synapse as demo_synapse
from dmtui.demo.cast import CAST, COMPARED
from dmtui.demo.demo import Demo, DemoUnavailable, demo
from dmtui.matrix.homeserver import connect
from tests.homeserver.account import Account, Json
from tests.waiting import wait_until

AT_ONCE = ("--pace", "0", "--invite-after", "0")
ALICE, BOB, CAROL, DAVE, ERIN, FRANK, GRACE, HEIDI = (
    f"@{name}:localhost"
    for name in ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi")
)

APP = """
import sys
from dmtui.demo.demo import demo
with demo(["--pace", "0"]) as running:
    print(running.directory.parent, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Demo]:
    with demo(AT_ONCE) as started:
        yield started


@pytest.fixture
def guest(running: Demo) -> Account:
    session = running.session
    return Account(session.homeserver, session.user_id, session.device_id, session.access_token)


def room_with(guest: Account, contact: str) -> str:
    direct = guest.account_data("m.direct")
    assert direct is not None
    return str(direct[contact][0])


def wait_for_invite_by(guest: Account, contact: str) -> tuple[str, Json]:
    """Room ID and content of the member event."""

    def search(news: Json) -> tuple[str, Json] | None:
        for room_id, room in news.get("rooms", {}).get("invite", {}).items():
            for event in room["invite_state"]["events"]:
                if event["sender"] == contact and event.get("state_key") == guest.user_id:
                    return room_id, event["content"]
        return None

    return guest.wait_for(search)


def test_people_have_a_past_and_unread_messages(guest: Account) -> None:
    rooms = guest.sync()["rooms"]["join"]
    alice = CAST[0]
    room = rooms[room_with(guest, ALICE)]
    messages = [e for e in room["timeline"]["events"] if e["type"] == "m.room.message"]
    assert [e["content"]["body"] for e in messages[:5]] == [line.text for line in alice.history]
    assert room["unread_notifications"]["notification_count"] >= alice.unread
    minutes = (messages[4]["origin_server_ts"] - messages[0]["origin_server_ts"]) / 60_000
    assert minutes == alice.history[0].minutes_ago - alice.history[4].minutes_ago


def test_contact_reads_and_answers(guest: Account) -> None:
    room_id = room_with(guest, ALICE)
    sent = guest.send_text(room_id, "Can you hear me?")
    answer = guest.wait_for_text(room_id, CAST[0].answers[0])
    assert answer["sender"] == ALICE

    def read(news: Json) -> bool:
        room = news.get("rooms", {}).get("join", {}).get(room_id, {})
        receipts = room.get("ephemeral", {}).get("events", [])
        return any(ALICE in e["content"].get(sent, {}).get("m.read", {}) for e in receipts)

    assert guest.wait_for(read)


def test_stranger_asks_for_a_direct_chat_and_talks_once_accepted(guest: Account) -> None:
    room_id, member = wait_for_invite_by(guest, DAVE)
    assert member["is_direct"] is True
    guest.join(room_id)
    dave = next(each for each in CAST if each.localpart == "dave")
    assert guest.wait_for_text(room_id, dave.opening)["sender"] == DAVE


def test_acquaintance_asks_too_and_shares_a_group_with_the_guest(guest: Account) -> None:
    _, member = wait_for_invite_by(guest, HEIDI)
    assert member["is_direct"] is True
    direct = guest.account_data("m.direct") or {}
    joined = guest.members(direct[BOB][-1])
    assert {name for name, content in joined.items() if content["membership"] == "join"} == {
        guest.user_id,
        BOB,
        HEIDI,
    }


def test_one_person_has_an_upgraded_room_with_messages_and_its_successor(guest: Account) -> None:
    direct = guest.account_data("m.direct") or {}
    successor, upgraded, _ = direct[BOB]
    tombstone = guest.state(upgraded, "m.room.tombstone")
    create = guest.state(successor, "m.room.create")
    assert tombstone is not None
    assert create is not None
    assert tombstone["replacement_room"] == successor
    assert create["predecessor"]["room_id"] == upgraded
    bob = next(each for each in CAST if each.localpart == "bob")
    assert guest.texts(upgraded) == [line.text for line in bob.earlier]
    assert guest.texts(successor) == [line.text for line in bob.history]


def test_one_person_has_left(guest: Account) -> None:
    assert guest.members(room_with(guest, GRACE))[GRACE]["membership"] == "leave"


def test_one_person_is_pinned_and_another_muted(guest: Account) -> None:
    tags = guest.api("GET", f"v3/user/{guest.user_id}/rooms/{room_with(guest, ALICE)}/tags")["tags"]
    assert list(tags) == ["m.favourite"]
    rules = guest.api("GET", "v3/pushrules/")["global"]["override"]
    muting = [rule["rule_id"] for rule in rules if not rule["default"] and rule["actions"] == []]
    assert muting == [room_with(guest, CAROL)]


def test_contact_nobody_wrote_to_is_found_accepts_and_answers(guest: Account) -> None:
    found = guest.api("POST", "v3/user_directory/search", {"search_term": "Frank"})["results"]
    assert [person["user_id"] for person in found] == [FRANK]
    room_id = guest.create_dm(FRANK)
    guest.wait_for_member(room_id, FRANK, "join")
    guest.send_text(room_id, "Hello Frank")
    assert guest.wait_for_event(
        room_id, lambda event: event["sender"] == FRANK and "body" in event["content"]
    )["content"]["body"].startswith("Hello! Frank here.")


async def test_encrypted_contact_opens_the_conversation_and_answers(
    running: Demo, guest: Account, tmp_path: Path
) -> None:
    room_id = RoomId(room_with(guest, ERIN))
    home = await connect(running.session, tmp_path / "crypto")
    try:
        token = None
        said: list[str] = []
        while len(said) < 2:
            batch = await home.sync(token, frozenset({room_id}), 20)
            token = batch.token
            for body in lines_by(UserId(ERIN), room_id, batch):
                said.append(body)
                if len(said) == 1:
                    line = Line(Kind.TEXT, Safe("Really?"))
                    await home.send(room_id, TransactionId("question"), line, True)
    finally:
        await home.close()
    erin = next(each for each in CAST if each.localpart == "erin")
    assert said == [erin.opening, erin.answers[0]]
    assert guest.texts(room_id) == []


async def test_encrypted_contact_has_an_identity_and_verifies_with_the_guest(
    tmp_path: Path,
) -> None:
    erin = UserId(ERIN)
    said: asyncio.Queue[TimelineEvent] = asyncio.Queue()
    with demo(AT_ONCE) as own:
        session = own.session
        guest = Account(
            session.homeserver, session.user_id, session.device_id, session.access_token
        )
        room_id = RoomId(room_with(guest, ERIN))
        home = await connect(session, tmp_path / "crypto")
        try:
            async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
                listening = tasks.create_task(listen(home, room_id, erin, said))
                opening = await said.get()
                await home.set_up_recovery("")
                await home.request_verification(erin, room_id)
                compared = await compare(home)
                told = await said.get()
                trust = await home.trust_of(erin)
                listening.cancel()
        finally:
            await home.close()
    assert trust.identity is IdentityState.VERIFIED
    assert [device.signed for device in trust.devices] == [True]
    assert (opening.doubt, told.doubt) == (Doubt.NONE, Doubt.NONE)
    assert isinstance(told.content, Line)
    assert told.content.body == f"{COMPARED} {', '.join(compared)}."


async def compare(home: Homeserver) -> list[str]:
    """Say that the only verification matches, until it is done; the names of its pictures."""
    names: list[str] = []
    while True:
        (one,) = await home.verification_news()
        if one.phase is Phase.COMPARING and not names:
            names = [EMOJI[index][1] for index in one.emoji]
            await home.confirm_verification(one.id)
        if one.over:
            assert one.phase is Phase.DONE, one.reason
            return names


async def listen(
    home: Homeserver, room_id: RoomId, sender: UserId, said: asyncio.Queue[TimelineEvent]
) -> None:
    """Sync until cancelled, and pass on what the sender says."""
    token = None
    while True:
        batch = await home.sync(token, frozenset({room_id}), 20)
        token = batch.token
        for event in (event for update in batch.rooms for event in update.timeline):
            spoken = isinstance(event.content, Line) and event.content.kind is Kind.TEXT
            if event.sender == sender and event.encrypted and spoken:
                await said.put(event)


def lines_by(sender: UserId, room_id: RoomId, batch: SyncBatch) -> list[str]:
    return [
        event.content.body
        for update in batch.rooms
        if update.room_id == room_id
        for event in update.timeline
        if event.sender == sender and event.encrypted and isinstance(event.content, Line)
    ]


# -- leaving nothing behind -------------------------------------------------------------------


def processes_naming(directory: str) -> list[int]:
    """The processes with the directory in their command line: the host and Synapse."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if directory in command:
            found.append(int(path.parent.name))
    return sorted(found)


def nothing_left(directory: str) -> bool:
    return not Path(directory).exists() and not processes_naming(directory)


def test_killed_app_leaves_no_process_and_no_file() -> None:
    app = subprocess.Popen(
        [sys.executable, "-c", APP],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with app:
        assert app.stdout is not None
        directory = app.stdout.readline().strip()
        assert len(processes_naming(directory)) == 2
        app.send_signal(signal.SIGKILL)
    assert wait_until(lambda: nothing_left(directory))


def test_killed_host_takes_its_homeserver_along_and_the_app_deletes_the_files() -> None:
    with demo(AT_ONCE) as running:
        directory = str(running.directory.parent)
        host, _ = processes_naming(directory)
        os.kill(host, signal.SIGKILL)
        # The host stays a zombie, without a command line, until the demo is left.
        assert wait_until(lambda: not processes_naming(directory))
    assert nothing_left(directory)


def test_failing_host_is_told_in_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(DemoUnavailable, match="unrecognized arguments: --nonsense") as caught:
        demo(["--nonsense"]).__enter__()
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_missing_synapse_is_told_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(demo_synapse, "is_installed", lambda: False)
    with pytest.raises(DemoUnavailable, match=r"pip install 'dmtui\[demo\]'"):
        demo().__enter__()
