"""The demo's other process: ``python -m dmtui.demo.host DIRECTORY`` runs Synapse and the contacts.

It prints one JSON object per line: ``{"step": …}`` while it starts, then ``{"session": …}`` or
``{"error": …}``. When its standard input closes, whatever closed it, it ends Synapse, deletes the
directory and ends itself.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import secrets
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from dmtui.demo import seed, synapse
from dmtui.demo.cast import CAST, Character, Role
from dmtui.demo.contacts import Contact
from dmtui.matrix.homeserver import connect

if TYPE_CHECKING:
    from dmtui.core.model import JsonObject, Session, UserId

ASKING = (Role.STRANGER, Role.ACQUAINTANCE)
INVITE_AFTER = 5.5
CLOSE_WITHIN = 3.0
WAKE_AFTER = 1.5
WAKE_EVERY = 0.3

log = logging.getLogger(__name__)


class Host:
    """A running demo in ``directory``.

    ``pace`` scales the contacts' slowness; who asks for a chat does so ``invite_after`` s after
    waking, one after the other.
    """

    def __init__(self, directory: Path, pace: float, invite_after: float):
        self._directory = directory
        self._pace = pace
        self._invite_after = invite_after
        self._site = synapse.Site(directory / "homeserver", synapse.free_port())
        self._since = int(time.time() * 1000)
        self._process: subprocess.Popen[bytes] | None = None

    async def run(self) -> None:
        """Start everything, say so, and play the contacts until cancelled."""
        token = secrets.token_hex(16)
        say({"step": "homeserver"})
        overlay = seed.write_registration(self._site, token)
        synapse.prepare(self._site, overlay=overlay)
        # On the main thread: a thread's end would count as the parent's.
        process = self._process = synapse.start(self._site)
        ready, _ = await asyncio.gather(
            asyncio.to_thread(synapse.wait_until_ready, self._site, lambda: process.poll() is None),
            asyncio.to_thread(import_module, "dmtui.matrix.device"),  # meanwhile: it takes a second
        )
        if not ready:
            raise synapse.SynapseTrouble(f"Synapse did not start: {self._site.log_tail(1)}")
        say({"step": "people"})
        guest, sessions = await asyncio.to_thread(seed.register_everybody, self._site, CAST)
        await asyncio.to_thread(seed.seed, self._site, token, guest, sessions)
        say({"session": asdict(guest)})
        # Whatever befalls one contact, the homeserver and the others stay.
        lives = [
            asyncio.create_task(self._play(each, sessions[each.localpart], guest.user_id, order))
            for order, each in enumerate(CAST)
        ]
        for life in lives:
            life.add_done_callback(_log_trouble)
        await asyncio.gather(*lives, return_exceptions=True)

    async def _play(
        self, character: Character, session: Session, guest: UserId, order: int
    ) -> None:
        """Be this character until cancelled; wake up in turn, as the app starts right now."""
        await asyncio.sleep(self._pace * (WAKE_AFTER + order * WAKE_EVERY))
        home = await connect(session, self._directory / "contacts" / character.localpart)
        try:
            contact = Contact(character, session.user_id, home, guest, self._pace, self._since)
            await self._live(contact, character.role)
        finally:
            await home.close()

    async def _live(self, contact: Contact, role: Role) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(contact.live())
            if role in ASKING:
                await asyncio.sleep(self._invite_after * (1 + ASKING.index(role)))
                await contact.invite_guest()

    def end(self) -> None:
        """Kill Synapse, whose data nobody needs any more, and delete every file."""
        if self._process is not None:
            synapse.stop(self._process, timeout=0)
        shutil.rmtree(self._directory, ignore_errors=True)


def _log_trouble(life: asyncio.Task[None]) -> None:
    if not life.cancelled() and (trouble := life.exception()) is not None:
        log.error("a contact is gone", exc_info=trouble)


def say(line: JsonObject) -> None:
    """Tell the app, which may be gone."""
    with contextlib.suppress(OSError):
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


async def until_told(host: Host) -> int:
    """Run the demo until standard input closes or a signal asks for the end."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), told.set)
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(name, told.set)
    running = asyncio.create_task(host.run())
    waiting = asyncio.create_task(told.wait())
    try:
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if running.done() and (trouble := running.exception()) is not None:
            say({"error": str(trouble)})
            log.error("the demo failed", exc_info=trouble)
            return 1
        await told.wait()
        return 0
    finally:
        running.cancel()
        waiting.cancel()
        await asyncio.wait({running, waiting}, timeout=CLOSE_WITHIN)


def main() -> int:
    """Parse the arguments, run, and clean up whatever happens."""
    parser = argparse.ArgumentParser(description="Run the homeserver and the contacts of a demo.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--pace", type=float, default=1.0)
    parser.add_argument("--invite-after", type=float, default=INVITE_AFTER)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    host = Host(options.directory, options.pace, options.invite_after)
    try:
        return asyncio.run(until_told(host))
    finally:
        host.end()


if __name__ == "__main__":
    sys.exit(main())
