"""The signed-in device on disk: ``session.json``, readable by its owner alone."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from dmtui.core.errors import StoreTrouble
from dmtui.core.model import Session, UserId
from dmtui.core.names import is_user_id
from dmtui.profile import ProfilePaths


def load_session(paths: ProfilePaths) -> Session | None:
    """The saved session, ``None`` before sign-in. Raises ``StoreTrouble`` for a damaged file."""
    file = paths.session_file
    try:
        session = _parse(file.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreTrouble(
            f"The saved session can't be read: {error.strerror} ({file})."
        ) from error
    if session is None:
        raise StoreTrouble(f"The saved session is damaged: delete {file}, then sign in again.")
    return session


def _parse(text: bytes) -> Session | None:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    match content:
        case {
            "user_id": str(user_id),
            "device_id": str(device_id),
            "access_token": str(access_token),
            "homeserver": str(homeserver),
        } if is_user_id(user_id) and device_id and access_token and homeserver:
            return Session(UserId(user_id), device_id, access_token, homeserver)
    return None


def save_session(paths: ProfilePaths, session: Session) -> None:
    """Make ``session`` the profile's, atomically; the keys of another device go.

    Messages, drafts and what is queued stay: open the store first, which refuses another
    account's. Raises ``StoreTrouble`` where the profile is another account's. Call it holding
    the profile's lock.
    """
    paths.prepare()
    known = _known(paths)
    if known is not None and known.user_id != session.user_id:
        raise StoreTrouble(f"This profile is {known.user_id}'s: use --profile for another account.")
    if known is None or known.device_id != session.device_id:
        paths.wipe_encryption()
    content = {
        "user_id": session.user_id,
        "device_id": session.device_id,
        "access_token": session.access_token,
        "homeserver": session.homeserver,
    }
    _write_privately(paths.session_file, json.dumps(content, indent=1).encode())


def _known(paths: ProfilePaths) -> Session | None:
    try:
        return load_session(paths)
    except StoreTrouble:
        return None


def _write_privately(file: Path, content: bytes) -> None:
    partial = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        partial.replace(file)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
