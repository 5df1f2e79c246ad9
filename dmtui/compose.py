"""Composition: a profile on disk and a session become a store and a messenger."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dmtui.core.errors import StoreTrouble
from dmtui.core.model import Session
from dmtui.profile import ProfilePaths
from dmtui.session import load_session, save_session
from dmtui.store.store import Store

if TYPE_CHECKING:  # people and inbox read the store alone, and stay quick
    from dmtui.core.ports import Homeserver
    from dmtui.messenger.messenger import Messenger

LOG_BYTES = 1_000_000


def open_store(paths: ProfilePaths, session: Session) -> Store:
    """The account's database, made if need be; raises ``StoreTrouble``."""
    paths.prepare()
    return Store.open(paths.store_file, session.user_id)


def messenger_for(paths: ProfilePaths, session: Session, store: Store) -> Messenger:
    """A messenger that is not started yet; the store stays the caller's to close."""
    from dmtui.matrix.homeserver import connect
    from dmtui.messenger.messenger import Messenger

    async def connected() -> Homeserver:
        return await connect(session, paths.encryption)

    return Messenger(session.user_id, store, connected)


class Account:
    """A profile's account as the app uses it: opened if signed in, else after signing in.

    Call it holding the profile's lock.
    """

    def __init__(self, paths: ProfilePaths):
        self._paths = paths
        self._store: Store | None = None

    def saved(self) -> Messenger | None:
        """A messenger for the saved session, ``None`` without one. Raises ``StoreTrouble``."""
        session = load_session(self._paths)
        return None if session is None else self._open(session)

    def signed_in(self, session: Session) -> Messenger:
        """Keep the new session; the messenger before it must have stopped. ``StoreTrouble``."""
        self.close()
        messenger = self._open(session)
        try:
            save_session(self._paths, session)
        except OSError as error:
            self.close()
            raise StoreTrouble(f"The session can't be saved: {error.strerror}.") from error
        except StoreTrouble:
            self.close()
            raise
        return messenger

    def close(self) -> None:
        """Let go of the database."""
        store, self._store = self._store, None
        if store is not None:
            store.close()

    def _open(self, session: Session) -> Messenger:
        self._store = open_store(self._paths, session)
        return messenger_for(self._paths, session, self._store)


def write_log(paths: ProfilePaths) -> None:
    """Send warnings to the profile's log file, which is private and of limited size."""
    import logging.handlers

    paths.prepare()
    os.close(os.open(paths.log_file, os.O_WRONLY | os.O_CREAT, 0o600))
    handler = logging.handlers.RotatingFileHandler(
        paths.log_file, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8", delay=True
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("nio").setLevel(logging.ERROR)  # its warnings quote events
