"""Keys to what was written before we were invited, as whoever invited us offers them.

Spec: "Sharing room keys" (MSC4268). An offer waits, also over a restart, until we have joined;
only then is anything downloaded. Nobody but the inviter can make one that is taken, and it proves
nobody's authorship.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from nio.crypto.attachments import decrypt_attachment
from nio.exceptions import EncryptionError

from dmtui.core.errors import Refused, ServerTrouble, SignedOut
from dmtui.core.model import JsonObject, Milliseconds, RoomId, UserId
from dmtui.matrix.client import path
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.device_lists import DeviceLists
from dmtui.matrix.identities import Identities
from dmtui.matrix.invite_walk import accepted_invite
from dmtui.matrix.machine import Machine
from dmtui.matrix.plaintext import read_object
from dmtui.matrix.requests import Requests
from dmtui.matrix.room_keys import MEGOLM, RoomKey, Source, read_portable
from dmtui.matrix.values import LONGEST_ID, mapping, mappings, opaque, room_id, text

log = logging.getLogger(__name__)

LARGEST = 16 * 1024 * 1024
"""Bytes of a bundle: some 20,000 keys."""
LATEST = 86_400_000
"""Milliseconds after joining in which an offer may come."""
_MOST_OFFERS = 100
_KEYS_PER_STEP = 25  # so that nothing else waits for longer than a frame
_Key: TypeAlias = tuple[RoomId, str]
Download: TypeAlias = Callable[[str, int], Awaitable[bytes]]
"""Takes a path and the most bytes; raises what the requests raise."""


class _Offer(NamedTuple):
    room_id: RoomId
    sender: str
    arrived: Milliseconds
    said: JsonObject  # sender_key and ed25519 of the device, and file


class Bundle(NamedTuple):
    """What a bundle holds of its room; the withheld sessions with a code each."""

    keys: list[RoomKey]
    withheld: list[tuple[str, str]]


class KeyBundles:
    """Offers and what comes of them; ``arrived`` is told the sessions, ``now`` is of 1970."""

    def __init__(
        self,
        requests: Requests,
        machine: Machine,
        store: CryptoStore,
        lists: DeviceLists,
        identities: Identities,
        arrived: Callable[[Iterable[_Key]], None],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._requests = requests
        self._machine = machine
        self._store = store
        self._lists = lists
        self._identities = identities
        self._arrived = arrived
        self._now = now
        self._offered = {room for room, *_ in store.bundles()}
        self._due = set(self._offered)
        self.download: Download | None = None

    def take(self, sender: str, sender_key: str, payload: JsonObject) -> None:
        """Keep the offer of an ``m.room_key_bundle`` that was opened.

        Raises ``EncryptionError`` for one that is malformed.
        """
        content = mapping(payload.get("content"))
        room, file = room_id(content.get("room_id")), mapping(content.get("file"))
        fingerprint = text(mapping(payload.get("keys")).get("ed25519"))
        if room is None or not _place(file) or not mapping(payload.get("sender_device_keys")):
            raise EncryptionError("not an offer of room keys")
        said: JsonObject = {"sender_key": sender_key, "ed25519": fingerprint, "file": file}
        arrived = round(self._now() * 1000)
        self._store.save_bundle(room, sender, arrived, json.dumps(said).encode(), _MOST_OFFERS)
        self._offered.add(room)
        self._due.add(room)

    def members_changed(self, room_id: RoomId) -> None:
        """We may have joined the room."""
        if room_id in self._offered:
            self._due.add(room_id)

    async def settle(self) -> None:
        """Take in what is offered for rooms that we have joined. Raises what the requests raise."""
        if not self._due or self.download is None:
            return
        due, self._due = self._due, set()
        try:
            answer = await self._requests.api("GET", path("joined_rooms"))
            joined = answer.get("joined_rooms")
            rooms = due.intersection(joined if isinstance(joined, list) else ())
            for room, sender, arrived, said in self._store.bundles():
                if room in rooms:
                    offer = _Offer(room, sender, arrived, read_object(said.decode()) or {})
                    await self._settle(offer, self.download)
        except BaseException:
            self._due |= due
            raise
        self._offered = {room for room, *_ in self._store.bundles()}

    async def _settle(self, offer: _Offer, download: Download) -> None:
        try:
            await self._judge(offer, download)
        except SignedOut:
            raise
        except (Refused, EncryptionError, ValueError) as error:
            log.warning("offer of room keys refused: %s", type(error).__name__)
        self._store.forget_bundle(offer.room_id, offer.sender, offer.arrived)

    async def _judge(self, offer: _Offer, download: Download) -> None:
        me = UserId(self._machine.user_id)
        accepted = await accepted_invite(self._requests, offer.room_id, me)
        if accepted is None or accepted[0] != offer.sender:
            raise EncryptionError("it is not of who invited us")
        if offer.arrived > accepted[1] + LATEST:
            raise EncryptionError("it came too late")
        await self._lists.ensure([offer.sender])
        if not self._lists.is_fresh(offer.sender):
            raise ServerTrouble("The inviter's devices can't be had now.")
        if not self._is_confirmed(offer):
            raise EncryptionError("its sender's device is not confirmed")
        file = mapping(offer.said.get("file"))
        data = await download(path("media", "download", *_place(file), version="v1"), LARGEST)
        bundle = await asyncio.to_thread(read_bundle, data, file, offer.room_id, offer.sender)
        await self._take_in(offer.room_id, bundle)

    def _is_confirmed(self, offer: _Offer) -> bool:
        device = self._lists.device_with_key(offer.sender, text(offer.said.get("sender_key")))
        return (
            device is not None
            and not device.blocked
            and device.ed25519 == offer.said.get("ed25519")
            and self._identities.is_signed(device) is True
            and not self._identities.state(offer.sender).is_alarming
        )

    async def _take_in(self, room: RoomId, bundle: Bundle) -> None:
        brought: list[_Key] = [(room, session_id) for session_id, _ in bundle.withheld]
        with self._store.transaction():
            for session_id, code in bundle.withheld:
                self._store.save_withheld(room, session_id, "", code)
        for first in range(0, len(bundle.keys), _KEYS_PER_STEP):
            with self._store.transaction():
                some = bundle.keys[first : first + _KEYS_PER_STEP]
                brought += [(room, k.session.id) for k in some if self._machine.keep_room_key(k)]
            await asyncio.sleep(0)
        self._arrived(brought)


def _place(file: JsonObject) -> tuple[str, ...]:
    """Server and ID of the media; empty where the file is described in no way that we know."""
    key = mapping(file.get("key"))
    scheme, _, place = (opaque(file.get("url"), LONGEST_ID) or "").partition("mxc://")
    server, _, media = place.partition("/")
    whole = text(key.get("k")) and text(file.get("iv")) and _sha256(file)
    if scheme or not server or not media or "/" in media or not whole:
        return ()
    if file.get("v") != "v2" or key.get("alg") != "A256CTR":
        return ()
    return server, media


def _sha256(file: JsonObject) -> str:
    return text(mapping(file.get("hashes")).get("sha256"))


def read_bundle(data: bytes, file: JsonObject, room: RoomId, inviter: str) -> Bundle:
    """What is in the encrypted file for this room. Takes seconds where it is large.

    Raises ``EncryptionError`` or ``ValueError`` for another file than was announced, or for no
    bundle; what is malformed in it is left out.
    """
    key = text(mapping(file.get("key")).get("k"))
    plain = decrypt_attachment(data, key, _sha256(file), text(file.get("iv")))
    held = read_object(plain.decode())
    if held is None:
        raise ValueError("the file is no bundle of room keys")
    keys = [
        found
        for one in mappings(held.get("room_keys"))
        if one.get("room_id") == room and (found := _key(one, room, inviter)) is not None
    ]
    withheld = [
        (session_id, code)
        for one in mappings(held.get("withheld"))
        if one.get("room_id") == room
        and one.get("algorithm") == MEGOLM
        and (session_id := opaque(one.get("session_id"), LONGEST_ID))
        and (code := opaque(one.get("code"), LONGEST_ID))
    ]
    return Bundle(keys, withheld)


def _key(listed: JsonObject, room: RoomId, inviter: str) -> RoomKey | None:
    session_id = opaque(listed.get("session_id"), LONGEST_ID)
    try:
        key = read_portable(listed, room, session_id or "", Source.BUNDLE)
    except ValueError:
        return None
    return replace(key, owner=inviter, shared_history=True)
