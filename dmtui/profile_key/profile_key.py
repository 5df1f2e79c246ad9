"""The key of a profile: found, made, and moved to where the user wants it.

At every moment of a move the key's file names a copy that opens everything, and before a copy is
destroyed another one has been written and read back.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
from dataclasses import replace
from enum import Enum, auto
from typing import assert_never

from dmtui.core.errors import KeyringTrouble, StoreTrouble, WrongPassphrase
from dmtui.core.safekeeping import KeyPlace, Protection
from dmtui.private_files import remove, remove_partial
from dmtui.profile import ProfilePaths
from dmtui.profile_key.copies import Copies, is_key, read_copies, remove_older, write_copies
from dmtui.profile_key.system_keyring import SystemKeyring
from dmtui.profile_key.wrapping import unwrap, wrap
from dmtui.session import has_sealed_token

log = logging.getLogger(__name__)

START_ANEW = "If it is lost, dmtui login --new-key signs in as a new device and keeps your messages"
_MISSING = f"The key to this profile's secrets is missing. {START_ANEW}."
_UNREACHABLE = "The key to this profile's secrets is in the system keyring. {trouble}"
_GONE = f"The system keyring no longer has the key to this profile's secrets. {START_ANEW}."


class Question(Enum):
    """What the user is to be asked before the key can be had, or moved."""

    ENTER = auto()  # the passphrase that there is
    CHOOSE = auto()  # a new one


class ProfileKey:
    """Call it holding the profile's lock; once opened, the key stays in memory.

    Everything but :attr:`question` and :attr:`place` blocks: for a keyring, for scrypt.
    """

    def __init__(
        self, paths: ProfilePaths, wanted: Protection, keyring: SystemKeyring | None = None
    ):
        self.paths = paths
        self._wanted = wanted
        self._keyring = keyring or SystemKeyring()
        self._key = ""

    @property
    def question(self) -> Question | None:
        """What to ask for; ``None`` where :meth:`open` needs no passphrase. ``StoreTrouble``."""
        if self._key:
            return None
        copies = read_copies(self.paths) or Copies()
        if copies.wrapped is not None:
            return Question.ENTER
        return Question.CHOOSE if self._wanted is Protection.PASSPHRASE else None

    @property
    def place(self) -> KeyPlace | None:
        """Where the key is, the least guarded copy if there are several. ``StoreTrouble``."""
        copies = read_copies(self.paths)
        if copies is None:
            return None
        if copies.plain:
            return KeyPlace.FILE
        return KeyPlace.KEYRING if copies.wrapped is None else KeyPlace.PASSPHRASE

    def open(self, passphrase: str = "") -> str:
        """The key, 64 hexadecimal digits; made where there is none and nothing needs one.

        It moves to where the user wants it; without a passphrase, not under one. Raises
        ``WrongPassphrase``, ``KeyringTrouble`` and ``StoreTrouble``, nothing lost.
        """
        if not self._key:
            self.paths.prepare()
            remove_partial(self.paths.key_file)
            copies = read_copies(self.paths)
            if copies is not None and self.paths.older_key_file.exists():
                write_copies(self.paths, copies)  # that place goes with the device
            key = self._found(copies, passphrase) if copies else self._missing()
            if key:
                self._move(copies or Copies(), key, passphrase)
            else:
                key = secrets.token_hex(32)
                self._settle(copies or Copies(), key, passphrase)
            self._key = key
        return self._key

    def renew(self, passphrase: str = "") -> str:
        """Another key in place of one that is lost; what is encrypted with that stays so."""
        copies = None
        with contextlib.suppress(StoreTrouble):  # damaged: there is nothing to go by
            copies = read_copies(self.paths) if self.paths.key_file.exists() else None
        if copies is not None and copies.entry:
            self._try_to_delete(copies.entry)
        key = secrets.token_hex(32)
        self._settle(Copies(), key, passphrase)
        self._key = key
        return key

    def forget(self) -> None:
        """Destroy every copy. Raises ``KeyringTrouble`` before any file is gone."""
        copies = read_copies(self.paths)
        if copies is not None and copies.entry:
            self._keyring.delete(copies.entry)
        remove_older(self.paths)
        remove(self.paths.key_file)
        self._key = ""

    # -- finding --

    def _found(self, copies: Copies, passphrase: str) -> str:
        """The key by one copy or another; empty where none was ever needed."""
        if copies.plain:
            return copies.plain
        if copies.wrapped is not None and (passphrase or not copies.entry):
            if not passphrase:
                raise WrongPassphrase("This profile has a passphrase.")
            return unwrap(copies.wrapped, passphrase)
        return self._in_keyring(copies.entry)

    def _in_keyring(self, entry: str) -> str:
        try:
            key = self._keyring.get(entry)
        except KeyringTrouble as trouble:
            raise KeyringTrouble(_UNREACHABLE.format(trouble=trouble)) from trouble
        if key is not None and is_key(key):
            return key
        if self._is_needed():
            raise KeyringTrouble(_GONE)
        return ""

    def _missing(self) -> str:
        if self._is_needed():
            raise StoreTrouble(_MISSING)
        return ""

    def _is_needed(self) -> bool:
        return self.paths.encryption_database.exists() or has_sealed_token(self.paths)

    # -- moving --

    def _move(self, copies: Copies, key: str, passphrase: str) -> None:
        """As :meth:`_settle`; a keyring that does not play along leaves the key where it is."""
        try:
            self._settle(copies, key, passphrase)
        except KeyringTrouble as trouble:
            log.warning("the key stays where it is: %s", trouble)

    def _settle(self, copies: Copies, key: str, passphrase: str) -> None:
        target = self._target(copies, passphrase)
        copies = self._with_copy(target, copies, key, passphrase)
        if copies.entry and target is not KeyPlace.KEYRING:
            self._keyring.delete(copies.entry)
        alone = _only(target, copies)
        if alone != copies:
            write_copies(self.paths, alone)

    def _target(self, copies: Copies, passphrase: str) -> KeyPlace:
        match self._wanted:
            case Protection.FILE:
                return KeyPlace.FILE
            case Protection.PASSPHRASE if passphrase or copies.wrapped is not None:
                return KeyPlace.PASSPHRASE
            case Protection.PASSPHRASE if copies == Copies():
                raise WrongPassphrase("A passphrase must be chosen first.")
            case Protection.PASSPHRASE:
                return KeyPlace.FILE if copies.plain else KeyPlace.KEYRING
            case Protection.AUTO:
                if _is_in_keyring(copies) or self._keyring.is_there():
                    return KeyPlace.KEYRING
                return KeyPlace.PASSPHRASE if copies.wrapped is not None else KeyPlace.FILE
            case _:
                assert_never(self._wanted)

    def _with_copy(self, target: KeyPlace, copies: Copies, key: str, passphrase: str) -> Copies:
        """The same and a copy there, written and read back."""
        match target:
            case KeyPlace.KEYRING:
                return self._with_entry(copies, key)
            case KeyPlace.FILE:
                wanted = replace(copies, plain=key)
            case KeyPlace.PASSPHRASE:
                wrapped = copies.wrapped or wrap(key, passphrase)
                wanted = replace(copies, wrapped=wrapped)
            case _:
                assert_never(target)
        if wanted != copies:
            write_copies(self.paths, wanted)
        if target is KeyPlace.PASSPHRASE and _only(target, wanted) != copies:
            again = read_copies(self.paths)
            if again is None or again.wrapped is None or unwrap(again.wrapped, passphrase) != key:
                raise StoreTrouble("The key can't be locked with this passphrase.")
        return wanted

    def _with_entry(self, copies: Copies, key: str) -> Copies:
        if _is_in_keyring(copies) and self._keyring.get(copies.entry) == key:
            return copies
        entry = copies.entry or f"{self.paths.name} {secrets.token_hex(4)}"
        wanted = replace(copies, entry=entry)
        if wanted != copies:
            write_copies(self.paths, wanted)
        self._keyring.put(entry, key)
        if self._keyring.get(entry) != key:
            raise KeyringTrouble("The system keyring does not keep what it is given.")
        return wanted

    def _try_to_delete(self, entry: str) -> None:
        try:
            self._keyring.delete(entry)
        except KeyringTrouble as trouble:
            log.warning("a lost key's entry stays: %s", trouble)


def _is_in_keyring(copies: Copies) -> bool:
    return bool(copies.entry) and not copies.plain and copies.wrapped is None


def _only(place: KeyPlace, copies: Copies) -> Copies:
    match place:
        case KeyPlace.KEYRING:
            return Copies(entry=copies.entry)
        case KeyPlace.FILE:
            return Copies(plain=copies.plain)
        case KeyPlace.PASSPHRASE:
            return Copies(wrapped=copies.wrapped)
