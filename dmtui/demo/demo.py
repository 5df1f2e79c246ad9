"""``dmtui demo``: a homeserver and contacts for as long as the app runs, and no trace after."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from dmtui.core.errors import DmtuiError
from dmtui.core.model import JsonObject, Session, UserId
from dmtui.demo import synapse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

END_WITHIN = 10.0

_STEPS = {
    "homeserver": "Starting a homeserver on this machine …",
    "people": "Waking the contacts …",
}


class DemoUnavailable(DmtuiError):
    """The demo cannot run here; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Demo:
    """What the app opens: the guest's session, and a directory for its profile."""

    session: Session
    directory: Path


@contextlib.contextmanager
def demo(options: Sequence[str] = ()) -> Iterator[Demo]:
    """Start the demo, telling so in one line on standard error; end it with the block.

    Takes about 5 s, in which the app is imported, too. The host watches our end of a pipe, so that
    it cleans up and ends even if this process is killed. ``options`` go to
    :mod:`dmtui.demo.host`. Raises ``DemoUnavailable``.
    """
    check_available()
    directory = Path(tempfile.mkdtemp(prefix="dmtui-demo-"))
    profile = directory / "profile"
    profile.mkdir(mode=0o700)
    try:
        with (directory / "host.log").open("ab") as log:
            host = subprocess.Popen(
                [sys.executable, "-m", "dmtui.demo.host", str(directory), *options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,  # Ctrl+C belongs to the app
            )
        try:
            _show(_STEPS["homeserver"])
            _import_app()
            yield Demo(_session(host, directory / "host.log"), profile)
        finally:
            _end(host)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def check_available() -> None:
    """Raise ``DemoUnavailable`` where Synapse does not run or is not installed."""
    if sys.platform == "win32":
        raise DemoUnavailable(
            "The demo needs the Synapse homeserver, which has no build for Windows;"
            " it runs on Linux and macOS, and in WSL."
        )
    if not synapse.is_installed():
        raise DemoUnavailable(
            "The demo needs the Synapse homeserver: pip install 'dmtui[demo]', then try again."
        )


def _session(host: subprocess.Popen[str], log: Path) -> Session:
    """Wait for the host to be ready, showing how far it is."""
    assert host.stdout is not None  # noqa: S101 - narrows the type
    try:
        for line in host.stdout:
            said: JsonObject = json.loads(line)
            match said:
                case {"step": str(step)}:
                    _show(_STEPS.get(step, step))
                case {"error": str(error)}:
                    raise DemoUnavailable(f"The demo could not start: {error}")
                case {"session": dict(fields)}:
                    return Session(
                        UserId(str(fields["user_id"])),
                        str(fields["device_id"]),
                        str(fields["access_token"]),
                        str(fields["homeserver"]),
                    )
        last = log.read_text(errors="replace").strip().splitlines()[-1:]
        raise DemoUnavailable(f"The demo could not start: {' '.join(last) or 'it ended at once'}")
    finally:
        _show("")


def _import_app() -> None:
    """Use the wait for imports that the app would have to wait for later."""
    for name in ("dmtui.ui.app", "dmtui.matrix.device"):
        import_module(name)


def _end(host: subprocess.Popen[str]) -> None:
    """Let the host clean up; it does so by itself once the pipe is closed."""
    assert host.stdin is not None  # noqa: S101 - narrows the type
    assert host.stdout is not None  # noqa: S101 - narrows the type
    with contextlib.suppress(OSError):
        host.stdin.close()
    try:
        host.wait(END_WITHIN)
    except subprocess.TimeoutExpired:
        host.kill()
        host.wait()
    host.stdout.close()


def _show(text: str) -> None:
    """Replace the line of progress; nothing where standard error is no terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[2K{text}")
        sys.stderr.flush()
