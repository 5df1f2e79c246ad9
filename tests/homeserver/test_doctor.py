"""``dmtui doctor`` on a real homeserver: the right difference, one write, undone byte for byte."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from dmtui.profile import ProfilePaths
from tests.homeserver.account import Account, Json
from tests.homeserver.faultproxy import FaultProxy
from tests.homeserver.synapse import SynapseServer
from tests.test_command_line import CommandLine

DIRECT_MAP = "/account_data/m.direct"
NULL, TEXT, GONE = "@null:example.org", "@text:example.org", "@gone:example.org"
OBJECT, EMAIL, EMPTY = "[object Object]", "bob@example.org", "@empty:example.org"


@pytest.fixture
def dmtui(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    return CommandLine(ProfilePaths.named())


def sign_in(dmtui: CommandLine, me: Account, proxy: FaultProxy) -> None:
    done = dmtui(
        *("login", me.user_id, "--homeserver", proxy.base_url, "--password-stdin"),
        typed=f"{me.password}\n",
    )
    assert done.code == 0, done


def puts(proxy: FaultProxy) -> int:
    return len(proxy.requests(DIRECT_MAP, "PUT"))


def raw(me: Account) -> str:
    """The map as the server has it, in its order."""
    return json.dumps(me.account_data("m.direct"))


@dataclass(frozen=True)
class Rooms:
    """What the broken map names, and what it lacks."""

    stray: str
    double: str
    junk: str
    shared: str
    own: str
    old: str
    upgrade: str
    left: str
    group: str
    lost: str
    never_marked: str


def chat(me: Account, bob: Account) -> str:
    room_id = bob.create_dm(me, record=False)
    me.join(room_id)
    return room_id


def make_rooms(me: Account, bob: Account, carol: Account, bot: Account) -> Rooms:
    stray, double, junk, shared, own, old, left, lost, group = (chat(me, bob) for _ in range(9))
    bob.invite(group, carol)
    carol.join(group)
    answer = bob.room_api("POST", old, "upgrade", {"new_version": "12"})
    upgrade = str(answer["replacement_room"])
    bob.invite(upgrade, me, is_direct=False)
    never_marked = bob.create_room(preset="private_chat", invite=[me.user_id])
    bob.invite(never_marked, bot, is_direct=False)
    bot.join(never_marked)
    serving: Json = {"service_members": [[bot.user_id], 5]}
    bob.set_state(never_marked, "io.element.functional_members", serving)
    for room_id in (upgrade, never_marked):
        me.join(room_id)
    me.leave(left)
    return Rooms(stray, double, junk, shared, own, old, upgrade, left, group, lost, never_marked)


def break_map(me: Account, bob: Account, carol: Account, rooms: Rooms) -> Json:
    r = rooms
    bobs = [r.double, r.double, r.junk, 5, {"a": [None]}, r.shared, r.left, r.group]
    broken: Json = {
        OBJECT: [r.stray, r.old],
        EMAIL: ["!waiting:example.org"],
        NULL: None,
        TEXT: "nothing to see",
        bob.user_id: bobs,
        carol.user_id: [r.shared],
        me.user_id: [r.own],
        GONE: ["!never:example.org"],
        EMPTY: [],
    }
    me.set_account_data("m.direct", broken)
    return broken


def diagnosis(bob: Account, carol: Account, rooms: Rooms) -> list[str]:
    b, c, r = bob.user_id, carol.user_id, rooms
    return [
        f"{OBJECT} is no user ID, so nobody's chats are listed there;"
        " its rooms go to their people.",
        f"{EMAIL} is an e-mail address, so nobody's chats are listed there.",
        f"{NULL} has nothing where a list of rooms belongs.",
        f"{TEXT} has no list where a list of rooms belongs.",
        f"{b} lists something that is no room.",
        f"{b} lists a room more than once.",
        f"{r.shared} is listed under {b} and {c}; it is {b}'s.",
        f"{r.group} of {b} has 2 other people: no chat of two.",
        f"{r.own} is listed under yourself, yet it is {b}'s.",
        f"!never:example.org of {GONE} is none that you are in, left or are invited to.",
        "1 room that you left stays listed: a new invite is recognised by it.",
        f"{r.lost} began as a chat with {b} and is not listed.",
        f"{r.old} of {b} was upgraded; the new room is not listed.",
        "Never marked as direct chats (dmtui doctor --fix --candidates marks them):",
        f"  {r.never_marked} could be a chat with {b}:"
        " you two are alone there, and it was never marked as one.",
    ]


def difference(broken: Json, repaired: Json) -> list[str]:
    """What is to be printed of the two, worked out without the code under test."""
    lines = []
    for key in (*broken, *(key for key in repaired if key not in broken)):
        was, now = json.dumps(broken.get(key)), json.dumps(repaired.get(key))
        if key not in broken or key not in repaired or was != now:
            lines += [f"- {json.dumps(key)}: {was}"] * (key in broken)
            lines += [f"+ {json.dumps(key)}: {now}"] * (key in repaired)
    return lines


def test_map_broken_in_ten_ways_is_told_repaired_in_one_write_and_given_back(
    dmtui: CommandLine, synapse: SynapseServer, proxy: FaultProxy
) -> None:
    me, bob, carol, bot = (synapse.register() for _ in range(4))
    rooms = make_rooms(me, bob, carol, bot)
    broken = break_map(me, bob, carol, rooms)
    before = raw(me)
    sign_in(dmtui, me, proxy)

    looked = dmtui("doctor")
    assert (looked.code, looked.complaint) == (0, "")
    kept = [rooms.double, rooms.junk, rooms.shared, rooms.left, rooms.group]
    moved = [rooms.stray, rooms.old, rooms.own, rooms.lost, rooms.upgrade]
    healthy: Json = {bob.user_id: [*kept, *moved], EMPTY: []}
    told = looked.out.splitlines()
    wanted = [
        *diagnosis(bob, carol, rooms),
        *difference(broken, healthy),
        "Nothing was written; dmtui doctor --fix repairs it.",
    ]
    assert told == wanted
    assert (puts(proxy), raw(me)) == (0, before)

    fixed = dmtui("doctor", "--fix")
    assert (fixed.code, fixed.complaint, puts(proxy)) == (0, "", 1)
    assert fixed.out.splitlines() == [
        *wanted[:-1],
        "Repaired; dmtui doctor --undo takes it back.",
    ]
    assert raw(me) == json.dumps(healthy)

    again = dmtui("doctor", "--fix")
    assert (again.code, puts(proxy)) == (0, 1)
    assert not [line for line in again.out.splitlines() if line[:2] in ("- ", "+ ")]

    undone = dmtui("doctor", "--undo")
    assert (undone.code, undone.complaint, puts(proxy)) == (0, "", 2)
    assert undone.out.endswith("The repair was taken back.\n")
    assert raw(me) == before


def test_room_moved_to_its_person_and_its_successor_take_one_run(
    dmtui: CommandLine, synapse: SynapseServer, proxy: FaultProxy
) -> None:
    me, bob = synapse.register(), synapse.register()
    old = chat(me, bob)
    answer = bob.room_api("POST", old, "upgrade", {"new_version": "12"})
    upgrade = str(answer["replacement_room"])
    bob.invite(upgrade, me, is_direct=False)
    me.join(upgrade)
    me.set_account_data("m.direct", {OBJECT: [old]})
    sign_in(dmtui, me, proxy)
    assert dmtui("doctor", "--fix").code == 0
    assert me.account_data("m.direct") == {bob.user_id: [old, upgrade]}
    assert puts(proxy) == 1
    assert dmtui("doctor").out == "Your list of direct messages is in order.\n"
