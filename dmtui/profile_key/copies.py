"""The copies of a profile's key that its file tells of: in the file, wrapped, in the keyring."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, field

from dmtui.core.errors import StoreTrouble
from dmtui.core.model import JsonObject
from dmtui.private_files import remove, replace_privately
from dmtui.profile import ProfilePaths
from dmtui.profile_key.wrapping import Wrapped

_KEY_LETTERS = 64


@dataclass(frozen=True, slots=True)
class Copies:
    """One of them is enough; several are there while the key moves.

    ``plain`` is the key in hexadecimal digits, ``entry`` names one of the keyring, which may
    not be there yet or no longer.
    """

    plain: str = field(default="", repr=False)
    wrapped: Wrapped | None = None
    entry: str = ""


def is_key(text: str | None) -> bool:
    """Whether it is 32 bytes in hexadecimal digits."""
    return text is not None and len(text) == _KEY_LETTERS and set(text) <= set("0123456789abcdef")


def read_copies(paths: ProfilePaths) -> Copies | None:
    """What the file says, ``None`` without one. Raises ``StoreTrouble`` where it is damaged."""
    try:
        try:
            copies = _parsed(paths.key_file.read_bytes())
        except FileNotFoundError:
            copies = _of_an_older_dmtui(paths)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreTrouble(f"The key's file can't be read: {error.strerror}.") from error
    except (ValueError, TypeError, RecursionError):
        copies = None
    if copies is None or copies == Copies():
        raise StoreTrouble(f"The file {paths.key_file.name} of this profile's key is damaged.")
    return copies


def write_copies(paths: ProfilePaths, copies: Copies) -> None:
    """Have this in the file, and see that it is. Raises ``StoreTrouble``, the file as before."""
    content: JsonObject = {}
    if copies.plain:
        content["key"] = copies.plain
    if copies.wrapped is not None:
        content["passphrase"] = {
            "scrypt": list(copies.wrapped.cost),
            "salt": b64encode(copies.wrapped.salt).decode(),
            "sealed": b64encode(copies.wrapped.sealed).decode(),
        }
    if copies.entry:
        content["keyring"] = copies.entry
    try:
        replace_privately(paths.key_file, json.dumps(content, indent=1).encode())
        if read_copies(paths) != copies:
            raise StoreTrouble("The key's file does not hold what was written to it.")
        remove_older(paths)
    except OSError as error:
        raise StoreTrouble(f"The key's file can't be written: {error.strerror}.") from error


def remove_older(paths: ProfilePaths) -> None:
    """Delete the file in which an older dmtui had the key."""
    if paths.older_key_file.exists():
        remove(paths.older_key_file)


def _of_an_older_dmtui(paths: ProfilePaths) -> Copies | None:
    text = paths.older_key_file.read_text("ascii").strip()
    return Copies(plain=text) if is_key(text) else None


def _parsed(text: bytes) -> Copies | None:
    content = json.loads(text)
    if not isinstance(content, dict):
        return None
    plain, entry = content.get("key", ""), content.get("keyring", "")
    if not isinstance(plain, str) or not isinstance(entry, str) or (plain and not is_key(plain)):
        return None
    match content.get("passphrase"):
        case None:
            return Copies(plain, None, entry)
        case {
            "scrypt": [int(n), int(r), int(p)],
            "salt": str(salt),
            "sealed": str(sealed),
        }:
            wrapped = Wrapped((n, r, p), b64decode(salt), b64decode(sealed))
            return Copies(plain, wrapped, entry)
    return None
