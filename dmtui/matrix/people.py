"""What we ask about other people: their presence, their devices, the rooms we share."""

from __future__ import annotations

from dmtui.core.errors import NotFound, Recoverable, Refused, ServerTrouble, Unreachable
from dmtui.core.model import Availability, JsonObject, PersonDevice, Presence, RoomId, UserId
from dmtui.core.names import clean_line
from dmtui.core.trust import Trust, judge_identity
from dmtui.matrix.client import path
from dmtui.matrix.devices import VerifySignature, parse_device
from dmtui.matrix.identities import Identities
from dmtui.matrix.news import Api
from dmtui.matrix.values import mapping, opaque, room_id, text, whole

_KEY_QUERY_PATIENCE = 10_000
_MOST_PAGES = 100
_BUSY = {"busy", "org.matrix.msc3026.busy"}
_STABLE = (path("mutual_rooms", version="v1"), "from", "next_batch")
_UNSTABLE = (
    path("uk.half-shot.msc2666", "user", "mutual_rooms", version="unstable"),
    "batch_token",
    "next_batch_token",
)


async def presence(client: Api, user: UserId) -> Presence:
    """``GET /presence/{userId}/status``; a state that the spec does not know is "offline"."""
    answer = await client.api("GET", path("presence", user, "status"))
    state = answer.get("presence")
    if not isinstance(state, str):
        raise ServerTrouble("The homeserver's answer about presence can't be read.")
    try:
        availability = Availability("online" if state in _BUSY else state)
    except ValueError:
        availability = Availability.OFFLINE
    status = clean_line(text(answer.get("status_msg")))
    return Presence(availability, status, whole(answer.get("last_active_ago")))


async def shared_rooms(client: Api, user: UserId) -> frozenset[RoomId]:
    """``GET /mutual_rooms``, as in v1.19 of the spec or as MSC2666 had it before."""
    try:
        return await _mutual_rooms(client, user, *_STABLE)
    except NotFound as error:
        if error.errcode != "M_UNRECOGNIZED":
            raise
    return await _mutual_rooms(client, user, *_UNSTABLE)


async def _mutual_rooms(
    client: Api, user: UserId, target: str, since: str, onward: str
) -> frozenset[RoomId]:
    query: dict[str, str] = {"user_id": user}
    found: set[RoomId] = set()
    for _ in range(_MOST_PAGES):
        answer = await client.api("GET", target, query=query)
        joined = answer.get("joined")
        if not isinstance(joined, list):
            raise ServerTrouble("The homeserver's list of shared rooms can't be read.")
        found.update(one for value in joined if (one := room_id(value)) is not None)
        batch = opaque(answer.get(onward))
        if batch is None or batch == query.get(since):
            break
        query[since] = batch
    return frozenset(found)


async def has_device_keys(client: Api, user: UserId) -> bool:
    """``POST /keys/query``; a homeserver that does not answer is ``Unreachable``, not "no keys"."""
    answer = await _keys(client, user)
    return bool(mapping(answer.get("device_keys")).get(user))


async def trust_of(
    client: Api, identities: Identities, verify: VerifySignature, user: UserId
) -> Trust:
    """``POST /keys/query``; a device that did not sign its own keys is left out."""
    answer = await _keys(client, user)
    identities.take(user, answer)
    claimed = mapping(mapping(answer.get("device_keys")).get(user))
    found = (parse_device(user, one, raw, verify) for one, raw in sorted(claimed.items()))
    devices = tuple(
        PersonDevice(
            device.device_id,
            clean_line(device.name),
            device.ed25519,
            identities.is_signed(device),
        )
        for device in found
        if device is not None
    )
    known = identities.known(user)
    return Trust(judge_identity(known), 0 if known is None else known.pinned_at, devices)


async def this_device(client: Api, device_id: str, fingerprint: str) -> PersonDevice:
    """``GET /devices/{deviceId}`` for the name; without one where the server does not tell."""
    try:
        answer = await client.api("GET", path("devices", device_id))
    except (Recoverable, Refused):
        answer = {}
    return PersonDevice(device_id, clean_line(text(answer.get("display_name"))), fingerprint)


async def _keys(client: Api, user: UserId) -> JsonObject:
    """The answer about the user's keys, which holds an object of devices."""
    body: JsonObject = {"device_keys": {user: []}, "timeout": _KEY_QUERY_PATIENCE}
    answer = await client.api("POST", path("keys", "query"), body)
    server = user.partition(":")[2]
    if server in mapping(answer.get("failures")):
        raise Unreachable(f"{clean_line(server)} does not answer.")
    if not isinstance(answer.get("device_keys"), dict):
        raise ServerTrouble("The homeserver's answer about keys can't be read.")
    return answer
