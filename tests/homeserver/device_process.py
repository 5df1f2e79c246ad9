"""dmtui without its screens in a process of its own, which does as its standard input says.

``start DIRECTORY ACCOUNT`` (JSON) once, then ``add USER`` or ``pending``, one per line; each is
answered with one line: nothing, the room ID, and the number of intents that are not settled.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Self

from dmtui.core.model import RoomId
from tests.homeserver.account import Account
from tests.homeserver.dmtui_account import DmtuiAccount


class DeviceProcess:
    """The test's end of the process."""

    def __init__(self, account: Account, directory: Path):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.homeserver.device_process"],
            cwd=Path(__file__).resolve().parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self._say(f"start {directory} {json.dumps(asdict(account))}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:  # waits for its end, which the end of its input brings about
            pass

    def wait_until_started(self) -> None:
        """It is signed in and synced."""
        self._hear()

    def begin_to_add(self, person: Account) -> None:
        """Have it start a chat with the person; :meth:`added` waits for that."""
        self._say(f"add {person.user_id}")

    def added(self) -> RoomId:
        """The room of the chat that it was told to start."""
        return RoomId(self._hear())

    def pending(self) -> int:
        """How many of its intents are not settled."""
        self._say("pending")
        return int(self._hear())

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")

    def _hear(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise EOFError("the process has ended")
        return line.rstrip("\n")


async def main() -> None:
    """Serve until standard input closes."""
    _, directory, details = (await _line()).split(" ", 2)
    dmtui = await DmtuiAccount(Account(**json.loads(details)), Path(directory)).start()
    _answer("")
    while line := await _line():
        match line.split():
            case ["add", user_id]:
                person = Account("", user_id, "", "")
                _answer((await dmtui.start_plain_chat(person)).room_id)
            case _:
                _answer(str(len(dmtui.store.pending_intents())))
    await dmtui.stop()


async def _line() -> str:
    line: str = await asyncio.to_thread(sys.stdin.readline)
    return line.rstrip("\n")


def _answer(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
