"""Nothing typed is lost and nothing arrives twice, whatever happens on the way."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dmtui.core.model import RoomId, SendState, UserId
from dmtui.profile import ProfilePaths
from tests.homeserver.account import Account
from tests.homeserver.dmtui_account import DmtuiAccount
from tests.homeserver.faultproxy import FaultProxy
from tests.homeserver.synapse import SynapseServer
from tests.profiles import sign_in_offline


def befriended(me: Account, other: Account) -> RoomId:
    room_id = other.create_dm(me)
    me.join(room_id)
    me.record_direct(other, room_id)
    return RoomId(room_id)


async def test_message_sent_while_the_server_is_stopped_arrives_once_after_it_is_back(
    private_synapse: SynapseServer, tmp_path: Path
) -> None:
    me, bob = private_synapse.register(), private_synapse.register()
    room_id = befriended(me, bob)
    dmtui = await DmtuiAccount(me, tmp_path / "dmtui").start()
    await dmtui.until(lambda: dmtui.conversation(bob))
    await asyncio.to_thread(private_synapse.stop)
    await dmtui.messenger.send(UserId(bob.user_id), "written offline")
    await dmtui.stop()
    await dmtui.start(online=False)
    assert dmtui.bodies(bob) == ["written offline"]
    await asyncio.to_thread(private_synapse.start)
    await dmtui.until(lambda: dmtui.states(bob) == [SendState.SENT])
    assert await asyncio.to_thread(bob.texts, room_id) == ["written offline"]
    await dmtui.stop()


async def test_what_is_done_to_messages_while_the_server_is_stopped_is_done_once_it_is_back(
    private_synapse: SynapseServer, tmp_path: Path
) -> None:
    me, bob = private_synapse.register(), private_synapse.register()
    room_id = befriended(me, bob)
    question = bob.send_text(room_id, "question")
    dmtui = await DmtuiAccount(me, tmp_path / "dmtui").start()
    await dmtui.messenger.send(UserId(bob.user_id), "regretted")
    await dmtui.messenger.send(UserId(bob.user_id), "anser")
    await dmtui.until(lambda: dmtui.states(bob) == [SendState.SENT] * 2)
    await asyncio.to_thread(private_synapse.stop)
    asked, regretted, answer = (m for m in dmtui.messages(bob) if m.kind == "text")
    await dmtui.messenger.relations.edit(answer.key, "answer")
    await dmtui.messenger.relations.react(asked.key, "👍")
    await dmtui.messenger.relations.delete(regretted.key)
    await dmtui.messenger.send(UserId(bob.user_id), "what do you say?", asked.key)
    await dmtui.stop()
    await dmtui.start(online=False)
    assert dmtui.bodies(bob) == ["question", "answer", "what do you say?"]
    await asyncio.to_thread(private_synapse.start)
    await dmtui.until(lambda: dmtui.states(bob) == [SendState.SENT] * 2)
    await dmtui.until(lambda: not any(message.acts for message in dmtui.messages(bob)))
    *_, edit, reaction, redaction, reply = await asyncio.to_thread(bob.events, room_id)
    assert edit["content"]["m.new_content"]["body"] == "answer"
    assert reaction["content"]["m.relates_to"]["event_id"] == question
    assert redaction["content"]["redacts"] == regretted.event_id
    assert reply["content"]["m.relates_to"] == {"m.in_reply_to": {"event_id": question}}
    texts = await asyncio.to_thread(bob.texts, room_id)
    assert texts == ["question", "", "anser", "* answer", "what do you say?"]
    await dmtui.stop()


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProfilePaths:
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    return ProfilePaths.named()


def command(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "dmtui", *arguments], stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("acted", [False, True], ids=["before it arrived", "after it arrived"])
def test_message_of_a_killed_process_arrives_once(
    synapse: SynapseServer, proxy: FaultProxy, profile: ProfilePaths, acted: bool
) -> None:
    me, bob = synapse.register(), synapse.register()
    room_id = befriended(me, bob)
    sign_in_offline(profile, DmtuiAccount(me, Path(), proxy.base_url).session)
    sending = "/send/m.room.message/"
    if acted:
        proxy.add(sending, reset="after", times=1)
        proxy.add("/sync", hang=True, skip=2)  # no echo that would settle it
    proxy.add(sending, hang=True)
    with command("send", bob.user_id, "first") as process:
        proxy.wait_for_request(sending, count=2 if acted else 1)
        os.kill(process.pid, signal.SIGKILL)
    proxy.clear()
    proxy.cut()
    with command("send", bob.user_id, "second") as process:
        assert process.wait(60) == 0
    assert bob.texts(room_id) == ["first", "second"]


@pytest.mark.parametrize("step", ["/media/v3/upload", "/send/m.room.message/"])
def test_file_of_a_killed_process_arrives_once_though_the_original_is_gone(
    synapse: SynapseServer, proxy: FaultProxy, profile: ProfilePaths, tmp_path: Path, step: str
) -> None:
    me, bob = synapse.register(), synapse.register()
    room_id = befriended(me, bob)
    sign_in_offline(profile, DmtuiAccount(me, Path(), proxy.base_url).session)
    original = tmp_path / "plan.pdf"
    original.write_bytes(b"the plan" * 1000)
    proxy.add(step, hang=True)
    with command("send", bob.user_id, "--file", str(original), "look") as process:
        proxy.wait_for_request(step)
        os.kill(process.pid, signal.SIGKILL)
    original.unlink()
    proxy.clear()
    proxy.cut()
    with command("send", bob.user_id, "second") as process:
        assert process.wait(60) == 0
    contents = [event["content"] for event in bob.events(room_id) if "msgtype" in event["content"]]
    assert [content["body"] for content in contents] == ["look", "second"]
    assert contents[0]["filename"] == "plan.pdf"
    assert contents[0]["info"]["size"] == 8000
    answered = [each for each in proxy.requests("/media/v3/upload") if each.status == 200]
    assert len(answered) == 1
    assert list(profile.outgoing_files.iterdir()) == []


def test_invite_answered_by_a_killed_process_is_accepted_and_recorded(
    synapse: SynapseServer, proxy: FaultProxy, profile: ProfilePaths
) -> None:
    me, bob = synapse.register(), synapse.register()
    room_id = bob.create_dm(me)
    sign_in_offline(profile, DmtuiAccount(me, Path(), proxy.base_url).session)
    proxy.add("/account_data/m.direct", method="PUT", hang=True)
    with command("accept", room_id) as process:
        proxy.wait_for_request("/account_data/m.direct", method="PUT")
        os.kill(process.pid, signal.SIGKILL)
    assert me.account_data("m.direct") is None
    proxy.clear()
    proxy.cut()
    with command("send", bob.user_id, "here I am") as process:
        assert process.wait(60) == 0
    assert me.account_data("m.direct") == {bob.user_id: [room_id]}
    assert bob.texts(room_id) == ["here I am"]
