"""The signed-in device on disk: ``session.json``, its access token under the profile's key."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, field

from dmtui.core.errors import StoreTrouble
from dmtui.core.model import JsonObject, Session, UserId
from dmtui.core.names import is_user_id
from dmtui.private_files import replace_privately
from dmtui.profile import ProfilePaths


@dataclass(frozen=True, slots=True)
class SavedSession:
    """Who is signed in; the access token shows with the profile's key alone.

    ``plain_token`` is empty but in what an older dmtui has written.
    """

    user_id: UserId
    device_id: str
    homeserver: str
    sealed_token: bytes = field(repr=False)
    plain_token: str = field(default="", repr=False)

    def opened(self, key: str) -> Session:
        """The session with its token. Raises ``StoreTrouble`` where it is another key."""
        return Session(
            self.user_id, self.device_id, self.plain_token or self._token(key), self.homeserver
        )

    def _token(self, key: str) -> str:
        from dmtui.matrix.sealing import Sealed, unseal  # here: who only reads needs no cipher

        try:
            sealed = Sealed.unpacked(self.sealed_token)
            return unseal(bytes.fromhex(key), _purpose(self), sealed).decode()
        except ValueError as error:
            raise StoreTrouble(
                "The saved session does not open with this profile's key: dmtui login --new-key"
                " signs in as a new device and keeps your messages."
            ) from error


def load_session(paths: ProfilePaths) -> SavedSession | None:
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


def _parse(text: bytes) -> SavedSession | None:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    match content:
        case {
            "user_id": str(user_id),
            "device_id": str(device_id),
            "homeserver": str(homeserver),
            **tokens,
        } if is_user_id(user_id) and device_id and homeserver:
            who = (UserId(user_id), device_id, homeserver)
        case _:
            return None
    match tokens:
        case {"access_token": str(plain)} if plain:
            return SavedSession(*who, b"", plain)
        case {"sealed_access_token": str(sealed)} if sealed:
            try:
                return SavedSession(*who, b64decode(sealed))
            except ValueError:
                return None
    return None


def save_session(paths: ProfilePaths, session: Session, key: str) -> SavedSession:
    """Make ``session`` the profile's, atomically; the keys of another device go.

    The token is encrypted with ``key``, the profile's. Messages, drafts and what is queued stay:
    open the store first, which refuses another account's. Raises ``StoreTrouble`` where the
    profile is another account's. Call it holding the profile's lock.
    """
    from dmtui.matrix.sealing import seal

    paths.prepare()
    known = _known(paths)
    if known is not None and known.user_id != session.user_id:
        raise StoreTrouble(f"This profile is {known.user_id}'s: use --profile for another account.")
    if known is None or known.device_id != session.device_id:
        paths.wipe_encryption()
    token = session.access_token.encode()
    sealed = seal(bytes.fromhex(key), _purpose(session), token).packed()
    content: JsonObject = {
        "user_id": session.user_id,
        "device_id": session.device_id,
        "homeserver": session.homeserver,
        "sealed_access_token": b64encode(sealed).decode(),
    }
    replace_privately(paths.session_file, json.dumps(content, indent=1).encode())
    return SavedSession(session.user_id, session.device_id, session.homeserver, sealed)


def has_sealed_token(paths: ProfilePaths) -> bool:
    """Whether there is a session that only the profile's key opens."""
    known = _known(paths)
    return known is not None and not known.plain_token


def _known(paths: ProfilePaths) -> SavedSession | None:
    try:
        return load_session(paths)
    except StoreTrouble:
        return None


def _purpose(session: Session | SavedSession) -> str:
    """What the token is encrypted for: it can't be passed off as another server's."""
    who = (session.homeserver, session.user_id, session.device_id)
    return json.dumps(["dmtui.access_token", *who])
