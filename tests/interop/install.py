"""Element's stack in a cache outside the tree, installed once per contents of ``package.json``."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_cache_path

MANIFEST = Path(__file__).with_name("package.json")
NODE = Path("node_modules/.bin/node")
PATIENCE = 60.0
_NPM = (
    "npm",
    "install",
    "--ignore-scripts",
    "--no-package-lock",
    "--no-audit",
    "--no-fund",
    "--no-progress",
    "--no-update-notifier",
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=1000",
    "--loglevel=error",
)


class NotInstallable(Exception):
    """Why Element's stack can't be had on this machine, in one line."""


def install(manifest: Path = MANIFEST, cache: Path | None = None) -> Path:
    """The directory with ``node_modules``, made if need be; takes up to a minute, and 200 MB.

    Whoever comes second waits for whoever is at it. Raises :class:`NotInstallable`.
    """
    cache = cache or user_cache_path("dmtui-interop", ensure_exists=True)
    target = cache / hashlib.sha256(manifest.read_bytes()).hexdigest()[:16]
    with _only_one(cache / "lock"):
        if not target.exists():
            staging = target.with_suffix(".partial")
            shutil.rmtree(staging, ignore_errors=True)  # of a run that was killed
            staging.mkdir()
            try:
                shutil.copy(manifest, staging)
                _fill(staging)
                staging.replace(target)
            finally:
                shutil.rmtree(staging, ignore_errors=True)
    return target


def _fill(directory: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NotInstallable("npm is not on this machine")
    _run(directory, npm, *_NPM[1:])
    if not (directory / NODE).exists():
        raise NotInstallable("npm has no Node for this kind of machine")
    _run(directory, str(directory / NODE), "--version")


def _run(directory: Path, *command: str) -> None:
    name = Path(command[0]).name
    try:
        subprocess.run(
            command,
            cwd=directory,
            check=True,
            timeout=PATIENCE,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
    except subprocess.CalledProcessError as error:
        reason = next(filter(None, error.stderr.splitlines()), f"exit status {error.returncode}")
        raise NotInstallable(f"{name} failed: {reason}") from error
    except subprocess.TimeoutExpired as error:
        raise NotInstallable(f"{name} took more than {PATIENCE:.0f} s") from error
    except OSError as error:
        raise NotInstallable(f"{name} does not run: {error}") from error


@contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
