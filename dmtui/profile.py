"""Where a profile lives on disk; ``XDG_*_HOME`` move everything (platformdirs)."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from platformdirs import PlatformDirs

from dmtui.core.errors import ConfigTrouble

DEFAULT = "default"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class InvalidProfileName(ConfigTrouble):
    """The text can't name a profile."""


@dataclass(frozen=True, slots=True)
class ProfilePaths:
    """One account's directories; the settings file is shared by all profiles."""

    name: str
    data: Path
    state: Path
    config_file: Path

    @classmethod
    def named(cls, name: str = DEFAULT) -> ProfilePaths:
        """Raises ``InvalidProfileName``; creates nothing."""
        if not _NAME.fullmatch(name):
            raise InvalidProfileName(
                f"{name!r} can't name a profile: use letters, digits, dots, dashes and underscores."
            )
        places = PlatformDirs("dmtui", appauthor=False)
        return cls(
            name,
            places.user_data_path / name,
            places.user_state_path / name,
            places.user_config_path / "config.toml",
        )

    def inside(self, directory: Path) -> ProfilePaths:
        """The same settings over other data, all of it in ``directory``."""
        return replace(self, data=directory / "data", state=directory / "state")

    @property
    def session_file(self) -> Path:
        """The signed-in device and its access token, which is encrypted."""
        return self.data / "session.json"

    @property
    def store_file(self) -> Path:
        """People, messages, drafts and intents."""
        return self.data / "messages.db"

    @property
    def outgoing_files(self) -> Path:
        """Copies of files that are to be sent, beside the messages."""
        return self.data / "outgoing"

    @property
    def encryption(self) -> Path:
        """The device's keys."""
        return self.data / "encryption"

    @property
    def encryption_database(self) -> Path:
        """What the device's keys are in."""
        return self.encryption / "crypto.db"

    @property
    def key_file(self) -> Path:
        """Where the key is that all of these are encrypted with, or the key itself."""
        return self.data / "key.json"

    @property
    def older_key_file(self) -> Path:
        """Where the key was before there was a choice."""
        return self.encryption / "crypto.key"

    @property
    def lock_file(self) -> Path:
        """Held by the process that owns the account."""
        return self.data / "lock"

    @property
    def log_file(self) -> Path:
        """What went wrong, without bodies, tokens or keys."""
        return self.state / "dmtui.log"

    def prepare(self) -> None:
        """Make the directories, readable by their owner alone."""
        for directory in (self.data, self.state):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            directory.chmod(0o700)

    def wipe(self) -> None:
        """Delete the account's keys, messages and session; the token goes last."""
        self.wipe_encryption()
        if self.outgoing_files.exists():
            shutil.rmtree(self.outgoing_files)
        for suffix in ("-wal", "-shm", ""):
            Path(f"{self.store_file}{suffix}").unlink(missing_ok=True)
        self.session_file.unlink(missing_ok=True)

    def wipe_encryption(self) -> None:
        """Delete the device's keys."""
        if self.encryption.exists():
            shutil.rmtree(self.encryption)
