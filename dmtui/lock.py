"""One process owns a profile's account: a lock that ends with its process."""

from __future__ import annotations

import fcntl
import os
from types import TracebackType

from dmtui.core.errors import ProfileInUse
from dmtui.profile import ProfilePaths


class ProfileLock:
    """Held inside its ``with`` block; entering raises ``ProfileInUse`` while another has it."""

    def __init__(self, paths: ProfilePaths):
        self._paths = paths
        self._descriptor = -1

    def __enter__(self) -> ProfileLock:
        self._paths.prepare()
        descriptor = os.open(self._paths.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise ProfileInUse(
                f"Another dmtui is already running for this profile (process {owner})."
            ) from error
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)
