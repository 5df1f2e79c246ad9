"""``dmtui recovery export-keys`` and ``import-keys``: message keys in a file, as Element has it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from dmtui.command_line.answers import Failure, WrongUsage, say
from dmtui.command_line.asking import new_secret, secret
from dmtui.command_line.signed_in import open_key, signed_in
from dmtui.compose import open_session
from dmtui.lock import ProfileLock
from dmtui.profile_key.profile_key import ProfileKey
from dmtui.ui.private_file import write_private

_PROMPT = "Passphrase of the key file: "
_LARGEST = 256 * 1024 * 1024


def export_keys(key: ProfileKey, name: str) -> None:
    """Write every message key to a new file that only its owner may read."""
    file, paths = _named(name), key.paths
    with ProfileLock(paths):
        saved = signed_in(paths)
        if os.path.lexists(file):
            raise Failure(f"{file} is there already: choose another name.")
        open_key(key)
        passphrase = new_secret(_PROMPT)
        from dmtui.matrix import key_file

        session, opener = open_session(paths, saved, key)
        exported = key_file.export_keys(session, paths.encryption, passphrase, opener)
        text, count = asyncio.run(exported)
    _write(file, text)
    say(f"Message keys written to {file}: {count}. They are as secret as the messages.")


def import_keys(key: ProfileKey, name: str) -> None:
    """Take in the message keys of a file; what they open is read when dmtui runs next."""
    file, paths = _named(name), key.paths
    with ProfileLock(paths):
        saved = signed_in(paths)
        text = _read(file)
        open_key(key)
        passphrase = secret(_PROMPT)
        from dmtui.matrix import key_file

        session, opener = open_session(paths, saved, key)
        imported = key_file.import_keys(session, paths.encryption, text, passphrase, opener)
        new, better, unusable = asyncio.run(imported)
    say(f"New message keys: {new}." if new else "There is no new message key in the file.")
    if better:
        say(f"Keys that were here and reach further back now, or are surer: {better}.")
    if unusable:
        say(f"Entries that are no message keys: {unusable}.")


def _named(name: str) -> Path:
    if not name:
        raise WrongUsage("The name of the key file is missing.")
    return Path(name)


def _read(file: Path) -> str:
    try:
        if file.stat().st_size > _LARGEST:
            raise Failure(f"{file} is too large for a file of message keys.")
        return file.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise Failure(f"{file} can't be read: {error.strerror}.") from error


def _write(file: Path, text: str) -> None:
    try:
        write_private(file, text)
    except OSError as error:
        raise Failure(f"{file} can't be written: {error.strerror}.") from error
