"""Who is signed in, for the commands that need somebody."""

from __future__ import annotations

from dmtui.command_line.answers import Failure
from dmtui.core.model import Session
from dmtui.profile import ProfilePaths
from dmtui.session import load_session


def signed_in(paths: ProfilePaths) -> Session:
    """The profile's session; raises ``Failure`` before sign-in."""
    session = load_session(paths)
    if session is None:
        raise Failure("Nobody is signed in to this profile: run dmtui login first.")
    return session
