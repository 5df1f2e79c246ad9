"""What a homeserver may answer about other people, and what of it is believed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from dmtui.core.errors import DmtuiError, NotFound, Recoverable, Unreachable
from dmtui.core.model import Availability, JsonObject, RoomId, UserId
from dmtui.core.trust import IdentityState, Trust
from dmtui.matrix import people
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.identities import Identities
from dmtui.matrix.machine import Machine

ME, BOB = "@me:localhost", UserId("@bob:localhost")
STABLE, UNSTABLE = "/v1/mutual_rooms", "/uk.half-shot.msc2666/user/mutual_rooms"
UNKNOWN = NotFound("Unrecognized request", 404, "M_UNRECOGNIZED")


class Script:
    """Answers each request with the next thing in line, again and again with the last."""

    def __init__(self, *answers: Any):
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, str]]] = []

    async def api(
        self,
        method: str,
        path: str,
        body: JsonObject | None = None,
        *,
        query: Mapping[str, str] | None = None,
        timeout: float = 30.0,
    ) -> JsonObject:
        self.asked.append((path, dict(query or {})))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, DmtuiError):
            raise answer
        found: JsonObject = answer
        return found


# -- shared rooms -----------------------------------------------------------------------------


async def test_every_page_of_shared_rooms_is_asked_for() -> None:
    script = Script({"joined": ["!a", 5, "!b"], "next_batch": "b1"}, {"joined": ["!c", None]})
    assert await people.shared_rooms(script, BOB) == {RoomId("!a"), RoomId("!b"), RoomId("!c")}
    assert [query.get("from") for _, query in script.asked] == [None, "b1"]
    assert all(path.endswith(STABLE) and query["user_id"] == BOB for path, query in script.asked)


async def test_older_server_is_asked_in_the_way_it_knows() -> None:
    script = Script(UNKNOWN, {"joined": ["!a"], "next_batch_token": "b1"}, {"joined": ["!b"]})
    assert await people.shared_rooms(script, BOB) == {RoomId("!a"), RoomId("!b")}
    assert all(path.endswith(UNSTABLE) for path, _ in script.asked[1:])
    assert script.asked[-1][1]["batch_token"] == "b1"


async def test_server_without_shared_rooms_says_so() -> None:
    with pytest.raises(NotFound):
        await people.shared_rooms(Script(UNKNOWN), BOB)


async def test_page_that_leads_to_itself_ends_the_list() -> None:
    script = Script({"joined": ["!a"], "next_batch": "again"})
    assert await people.shared_rooms(script, BOB) == {RoomId("!a")}
    assert len(script.asked) == 2


async def test_pages_without_end_are_not_asked_for_for_ever() -> None:
    script = Script(*({"joined": [], "next_batch": str(number)} for number in range(1000)))
    assert await people.shared_rooms(script, BOB) == frozenset()
    assert len(script.asked) == 100


@pytest.mark.parametrize("odd", [{}, {"joined": None}, {"joined": {"!a": 1}}])
async def test_unreadable_list_is_no_empty_one(odd: Any) -> None:
    with pytest.raises(Recoverable):
        await people.shared_rooms(Script(odd), BOB)


# -- presence ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "availability"),
    [
        ("online", Availability.ONLINE),
        ("unavailable", Availability.UNAVAILABLE),
        ("offline", Availability.OFFLINE),
        ("org.matrix.msc3026.busy", Availability.ONLINE),
        ("dancing", Availability.OFFLINE),
    ],
)
async def test_presence_is_what_the_spec_knows_of_it(told: str, availability: str) -> None:
    answer = {"presence": told, "status_msg": "at\x1b[2J\u202e work", "last_active_ago": 5}
    presence = await people.presence(Script(answer), BOB)
    assert presence.availability is availability
    assert presence.status.isprintable()
    assert presence.active_ago == 5


@pytest.mark.parametrize("odd", [None, -1, "5", True, 10**30, []])
async def test_odd_details_of_presence_cost_themselves(odd: Any) -> None:
    answer = {"presence": "online", "status_msg": odd, "last_active_ago": odd}
    presence = await people.presence(Script(answer), BOB)
    assert presence.availability is Availability.ONLINE
    assert presence.active_ago is None


async def test_answer_without_presence_is_recoverable() -> None:
    with pytest.raises(Recoverable):
        await people.presence(Script({"presence": 5}), BOB)


# -- devices ----------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CryptoStore]:
    store = CryptoStore(tmp_path / "me.db", ME, "MINE", "key")
    yield store
    store.close()


@pytest.fixture
def machine(store: CryptoStore) -> Machine:
    return Machine(ME, "MINE", store)


async def trust_of(script: Script, machine: Machine, store: CryptoStore) -> Trust:
    verify = machine.verify_json
    return await people.trust_of(script, Identities(store, verify, ME), verify, BOB)


def device_keys(tmp_path: Path, device_id: str, name: object) -> Any:
    store = CryptoStore(tmp_path / f"{device_id}.db", BOB, device_id, "key")
    keys: Any = Machine(BOB, device_id, store).device_keys()
    store.close()
    return {**keys, "unsigned": {"device_display_name": name}}


async def test_device_that_did_not_sign_its_keys_is_left_out(
    machine: Machine, store: CryptoStore, tmp_path: Path
) -> None:
    phone = device_keys(tmp_path, "PHONE", "Bob's phone")
    forged = device_keys(tmp_path, "FORGED", "Bob's tablet")
    forged["keys"]["ed25519:FORGED"] = phone["keys"]["ed25519:PHONE"]
    claimed = {"PHONE": phone, "FORGED": forged, "MOVED": phone, "ODD": 5, "\x1b": phone}
    script = Script({"device_keys": {BOB: claimed}})

    (device,) = (await trust_of(script, machine, store)).devices

    assert (device.device_id, device.name) == ("PHONE", "Bob's phone")
    assert device.fingerprint == phone["keys"]["ed25519:PHONE"]


@pytest.mark.parametrize("name", [None, 5, "", "\x1b[2J"])
async def test_odd_name_of_a_device_costs_itself(
    machine: Machine, store: CryptoStore, tmp_path: Path, name: object
) -> None:
    script = Script({"device_keys": {BOB: {"PHONE": device_keys(tmp_path, "PHONE", name)}}})
    (device,) = (await trust_of(script, machine, store)).devices
    assert device.name == ""


async def test_devices_behind_a_server_that_is_down_are_unknown_not_none(
    machine: Machine, store: CryptoStore
) -> None:
    script = Script({"device_keys": {}, "failures": {"localhost": {}}})
    with pytest.raises(Unreachable):
        await trust_of(script, machine, store)


@pytest.mark.parametrize("odd", [{BOB: None}, {BOB: []}, {BOB: 5}, {}])
async def test_user_without_readable_devices_has_none(
    machine: Machine, store: CryptoStore, odd: Any
) -> None:
    script = Script({"device_keys": odd})
    assert await trust_of(script, machine, store) == Trust(IdentityState.NONE)
