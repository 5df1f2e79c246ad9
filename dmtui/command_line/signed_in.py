"""Who is signed in, and the key to the profile's secrets, for the commands that need them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from dmtui.command_line.answers import Failure, complain
from dmtui.command_line.asking import new_secret, secret
from dmtui.config import read_protection
from dmtui.core.errors import WrongPassphrase
from dmtui.profile import ProfilePaths
from dmtui.session import SavedSession, load_session

if TYPE_CHECKING:  # who only reads the store needs no key
    from dmtui.profile_key.profile_key import ProfileKey


def signed_in(paths: ProfilePaths) -> SavedSession:
    """The profile's session; raises ``Failure`` before sign-in."""
    session = load_session(paths)
    if session is None:
        raise Failure("Nobody is signed in to this profile: run dmtui login first.")
    return session


def profile_key(paths: ProfilePaths) -> ProfileKey:
    """The profile's key, not opened yet; raises ``ConfigTrouble``."""
    from dmtui.profile_key.profile_key import ProfileKey

    return ProfileKey(paths, read_protection(paths.config_file))


def open_key(key: ProfileKey) -> str:
    """The key itself; asks for its passphrase where it has one. Call it holding the lock.

    A new passphrase is asked for where that is what the settings say, if anybody is there to ask.
    """
    from dmtui.profile_key.profile_key import Question

    match key.question:
        case Question.ENTER:
            return _entered(key)
        case Question.CHOOSE if key.place is None or sys.stdin.isatty():
            return key.open(chosen())
        case _:
            return key.open()


def chosen() -> str:
    """A new passphrase for the profile."""
    return new_secret("New passphrase of this profile: ")


def _entered(key: ProfileKey) -> str:
    while True:
        passphrase = secret("Passphrase of this profile: ")
        try:
            return key.open(passphrase)
        except WrongPassphrase as error:
            if not sys.stdin.isatty():
                raise
            complain(str(error))
