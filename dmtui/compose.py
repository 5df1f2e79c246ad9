"""Composition: a profile on disk and a session become a store and a messenger."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from platformdirs import user_downloads_path

from dmtui.core.errors import StoreTrouble
from dmtui.core.model import Session
from dmtui.profile import ProfilePaths
from dmtui.session import SavedSession, load_session, save_session
from dmtui.store.store import Store

if TYPE_CHECKING:  # people and inbox read the store alone, and stay quick
    from dmtui.core.ports import Homeserver
    from dmtui.core.settings import Config
    from dmtui.messenger.messenger import Messenger
    from dmtui.profile_key.profile_key import ProfileKey, Question

T = TypeVar("T")

LOG_BYTES = 1_000_000


def open_store(paths: ProfilePaths, session: Session | SavedSession) -> Store:
    """The account's database, made if need be; raises ``StoreTrouble``."""
    paths.prepare()
    return Store.open(paths.store_file, session.user_id)


def open_session(paths: ProfilePaths, saved: SavedSession, key: ProfileKey) -> tuple[Session, str]:
    """The session with its token, and the key; one that an older dmtui left plain is encrypted.

    Blocks, and raises, as :meth:`ProfileKey.open` does.
    """
    opener = key.open()
    session = saved.opened(opener)
    if saved.plain_token:
        save_session(paths, session, opener)
    return session, opener


def messenger_for(
    paths: ProfilePaths,
    saved: SavedSession,
    store: Store,
    key: ProfileKey,
    config: Config | None = None,
) -> Messenger:
    """A messenger that is not started yet; the store stays the caller's to close.

    It opens the key when it is started, out of the way, unless the key is open already.
    """
    from dmtui.config import downloads
    from dmtui.core.settings import Config
    from dmtui.matrix.homeserver import connect
    from dmtui.messenger.messenger import Messenger

    config = config or Config()

    async def connected() -> Homeserver:
        session, opener = await _out_of_the_way(lambda: open_session(paths, saved, key))
        messenger.encryption.key_place = key.place
        return await connect(session, paths.encryption, opener)

    messenger = Messenger(
        saved.user_id,
        store,
        connected,
        downloads=downloads(config) or user_downloads_path(),
        preview_limit=config.images.limit,
        privacy=config.privacy,
    )
    return messenger


async def _out_of_the_way(act: Callable[[], T]) -> T:
    """Do what blocks in a thread that nobody waits for at the end, as a keyring may hang."""
    import asyncio

    from dmtui.matrix.thread import LeftBehind

    return await asyncio.get_running_loop().run_in_executor(LeftBehind(), act)


class Account:
    """A profile's account as the app uses it: opened if signed in, else after signing in.

    Call it holding the profile's lock.
    """

    def __init__(self, paths: ProfilePaths, key: ProfileKey, config: Config | None = None):
        self._paths = paths
        self._key = key
        self._config = config
        self._store: Store | None = None

    @property
    def question(self) -> Question | None:
        """What :meth:`unlocked` is to be called with first, if anything. ``StoreTrouble``."""
        return self._key.question

    async def unlocked(self, passphrase: str) -> Messenger | None:
        """As :meth:`saved`, with the key opened. Raises ``WrongPassphrase`` as well."""
        await _out_of_the_way(lambda: self._key.open(passphrase))
        return self.saved()

    def saved(self) -> Messenger | None:
        """A messenger for the saved session, ``None`` without one. Raises ``StoreTrouble``."""
        session = load_session(self._paths)
        return None if session is None else self._open(session)

    async def sign_in(self, user: str, password: str, homeserver: str) -> Session:
        """``ports.SignIn``; the key comes first, without which no session could be kept."""
        from dmtui.matrix.sign_in import sign_in_with_password

        await _out_of_the_way(self._key.open)
        return await sign_in_with_password(user, password, homeserver)

    async def signed_in(self, session: Session) -> Messenger:
        """Keep the new session; the messenger before it must have stopped. ``StoreTrouble``."""
        self.close()
        open_store(self._paths, session).close()  # refuses the messages of another account
        key = await _out_of_the_way(self._key.open)
        try:
            saved = save_session(self._paths, session, key)
        except OSError as error:
            raise StoreTrouble(f"The session can't be saved: {error.strerror}.") from error
        messenger = self._open(saved)
        messenger.encryption.key_place = self._key.place
        return messenger

    def close(self) -> None:
        """Let go of the database."""
        store, self._store = self._store, None
        if store is not None:
            store.close()

    def _open(self, session: SavedSession) -> Messenger:
        self._store = open_store(self._paths, session)
        return messenger_for(self._paths, session, self._store, self._key, self._config)


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
