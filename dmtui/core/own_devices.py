"""The devices signed in to my own account: which are mine for certain, and how to say it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dmtui.core.model import Safe
from dmtui.core.names import clean_line

_NAME_LENGTH = 30
_ID_LENGTH = 20


@dataclass(frozen=True, slots=True)
class OwnDevice:
    """A device of my account; ``fingerprint`` is its ed25519 key in unpadded base64.

    Without keys the fingerprint is empty. ``confirmed``: my identity vouches for it; ``None``
    while this device trusts no identity of mine. ``this``: it is the one that dmtui runs on.
    """

    device_id: str
    name: Safe
    fingerprint: str
    confirmed: bool | None = None
    this: bool = False


def in_order(devices: Iterable[OwnDevice]) -> tuple[OwnDevice, ...]:
    """Those that are not confirmed first, then by name."""
    ranks = {False: 0, None: 1, True: 2}
    return tuple(
        sorted(devices, key=lambda one: (ranks[one.confirmed], one.name.casefold(), one.device_id))
    )


def called(device: OwnDevice) -> str:
    """Its name and its ID; a name is what the device says of itself."""
    device_id = clean_line(device.device_id, _ID_LENGTH)
    name = clean_line(device.name, _NAME_LENGTH)
    return f"{name} ({device_id})" if name else str(device_id)


def confirmed_words(device: OwnDevice) -> str:
    """Whether it is certain to be mine."""
    if not device.fingerprint:
        return "no keys: it can't read encrypted messages"
    match device.confirmed:
        case True:
            return "confirmed"
        case False:
            return "NOT confirmed"
        case None:
            return "not judged before this device is confirmed"


def sign_in_words(device: OwnDevice) -> str:
    """That it is new, in one line without an end."""
    if device.confirmed:
        return f"Signed in and confirmed: {called(device)}"
    return f"New sign-in, not confirmed: {called(device)}"


def waiting_words(devices: tuple[OwnDevice, ...]) -> str:
    """A few words for those that the user has not looked at; empty without any."""
    match devices:
        case ():
            return ""
        case (device,):
            return sign_in_words(device)
        case _:
            return f"{len(devices)} new sign-ins, not confirmed"
