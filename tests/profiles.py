"""Profiles that are signed in without a homeserver, their keys in files."""

from __future__ import annotations

from dmtui.core.model import Session
from dmtui.core.safekeeping import Protection
from dmtui.profile import ProfilePaths
from dmtui.profile_key.profile_key import ProfileKey
from dmtui.session import SavedSession, save_session


def key_in_file(paths: ProfilePaths) -> ProfileKey:
    return ProfileKey(paths, Protection.FILE)


def sign_in_offline(paths: ProfilePaths, session: Session) -> SavedSession:
    """Keep the session as if the homeserver had given it."""
    return save_session(paths, session, key_in_file(paths).open())
