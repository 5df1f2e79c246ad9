"""The devices of our own account: those with keys as sync tells of them, and all on asking.

A dehydrated device (MSC3814) is none that somebody uses, and is left out once our identity
vouches for it: saying of itself that it is one must hide no device from its owner.
"""

from __future__ import annotations

import json
from urllib.parse import urlencode, urlsplit

from dmtui.core.errors import NotFound, Refused
from dmtui.core.model import JsonObject
from dmtui.core.names import clean_line
from dmtui.core.own_devices import OwnDevice
from dmtui.matrix.account import Owner
from dmtui.matrix.challenge import Proof
from dmtui.matrix.client import path
from dmtui.matrix.device_lists import DeviceLists
from dmtui.matrix.devices import Device
from dmtui.matrix.identities import Identities
from dmtui.matrix.values import LONGEST_ID, mappings, opaque, text

_SIGN_OUT = ("org.matrix.device_delete", "org.matrix.session_end")
_URL_LENGTH = 2000


class OwnDevices:
    """``device_id`` and ``fingerprint`` are this device's."""

    def __init__(
        self,
        owner: Owner,
        lists: DeviceLists,
        identities: Identities,
        device_id: str,
        fingerprint: str,
    ):
        self._owner = owner
        self._lists = lists
        self._identities = identities
        self._device_id = device_id
        self._fingerprint = fingerprint
        self._proof = Proof(owner, owner.user_id)

    def known(self) -> tuple[OwnDevice, ...] | None:
        """Those with keys, this one among them; ``None`` while the list may be an old one."""
        me = self._owner.user_id
        if not self._lists.is_fresh(me):
            return None
        return tuple(self._shown(one, one.name) for one in self._in_use())

    def _in_use(self) -> list[Device]:
        return [
            device
            for device in self._lists.all_of(self._owner.user_id)
            if not (_is_dehydrated(device) and self._identities.confirms(device))
        ]

    def _shown(self, device: Device, name: str) -> OwnDevice:
        this = device.device_id == self._device_id
        confirmed = self._identities.confirms(device)
        if this and device.ed25519 != self._fingerprint:
            confirmed = False  # the homeserver tells of other keys than ours
        fingerprint = self._fingerprint if this else device.ed25519
        return OwnDevice(device.device_id, clean_line(name), fingerprint, confirmed, this)

    async def all(self) -> tuple[OwnDevice, ...]:
        """Those without keys, too: ``GET /devices``. Raises what the requests raise."""
        me = self._owner.user_id
        self._lists.changed([me])
        await self._lists.ensure([me])
        answer = await self._owner.api("GET", path("devices"))
        names = {
            device_id: text(one.get("display_name"))
            for one in mappings(answer.get("devices"))
            if (device_id := opaque(one.get("device_id"), LONGEST_ID))
        }
        in_use = self._in_use()
        keyless = names.keys() - {one.device_id for one in self._lists.all_of(me)}
        return (
            *(self._shown(one, names.get(one.device_id) or one.name) for one in in_use),
            *(self._without_keys(one, names[one]) for one in sorted(keyless)),
        )

    def _without_keys(self, device_id: str, name: str) -> OwnDevice:
        return OwnDevice(device_id, clean_line(name), "", None, device_id == self._device_id)

    async def sign_out(self, device_id: str, password: str) -> None:
        """See ``ports.Homeserver``."""
        body: JsonObject = {"devices": [device_id]}
        try:
            await self._proof.post(path("delete_devices"), body, password)
        except NotFound as error:
            if error.errcode != "M_UNRECOGNIZED":
                raise
            page = await self._page(device_id)
            where = f"at {page}" if page else "where you manage your account on the web"
            raise Refused(
                f"Your homeserver wants devices signed out {where}.", error.status, error.errcode
            ) from error
        self._lists.changed([self._owner.user_id])

    async def _page(self, device_id: str) -> str:
        """Where an account of OAuth is managed (MSC4191); empty where the server does not tell."""
        try:
            answer = await self._owner.api("GET", path("auth_metadata", version="v1"))
        except Refused:
            return ""
        url = opaque(answer.get("account_management_uri"), _URL_LENGTH) or ""
        if urlsplit(url).scheme not in ("http", "https"):
            return ""
        offered = answer.get("account_management_actions_supported")
        known = [one for one in _SIGN_OUT if isinstance(offered, list) and one in offered]
        if not known:
            return url
        query = urlencode({"action": known[0], "device_id": device_id})
        return f"{url}{'&' if urlsplit(url).query else '?'}{query}"


def _is_dehydrated(device: Device) -> bool:
    try:
        return json.loads(device.raw).get("dehydrated") is True
    except (ValueError, AttributeError, RecursionError):
        return False
