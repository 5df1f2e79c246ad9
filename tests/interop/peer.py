"""Element's own stack as the other person: devices of matrix-js-sdk in one Node process.

peer = Peer(install())
bob = Element(peer, server.register())
await bob.sign_in()
await bob.accept(room_id)
message = await bob.message(room_id, body="hi", readable=True)     # waits for it

What reads (``message``, ``room``, ``user``, ...) waits until what is seen has all that is named;
:class:`PeerError` then says what was waited for and what there is.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import subprocess
import tempfile
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from tests.homeserver.account import Account, Json
from tests.interop.install import NODE

PATIENCE = 60.0
"""More than the peer's own, which knows better what it waited for."""


class PeerError(Exception):
    """The peer could not do it, or did not come to see it."""


class Peer:
    """The process; it ends with its standard input, so with the test run in any case."""

    def __init__(self, installed: Path):
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        self._process = subprocess.Popen(
            [installed / NODE, "--no-warnings", Path(__file__).with_name("peer.mjs")],
            env={**os.environ, "DMTUI_INTEROP": str(installed)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            bufsize=1,
            start_new_session=True,  # Ctrl+C belongs to the test run
        )
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Future[object]] = {}
        self._lock = threading.Lock()
        self._ended = ""  # and why
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    async def ask(self, request: Json) -> object:
        """Put the request to the process and wait for its answer."""
        number = next(self._numbers)
        answer: Future[object] = Future()
        with self._lock:
            if self._ended:
                raise PeerError(self._ended)
            self._waiting[number] = answer
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps({"id": number, **request}) + "\n")
        async with asyncio.timeout(PATIENCE):
            return await asyncio.wrap_future(answer)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._log.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._take(json.loads(line))
        with self._lock:
            self._ended = f"the peer has ended: {self._last_words()}"
            for answer in self._waiting.values():
                _fail(answer, self._ended)

    def _take(self, line: Json) -> None:
        with self._lock:
            answer = self._waiting.pop(line.get("id", 0), None)
        if answer is None or answer.cancelled():
            return
        if "error" in line:
            _fail(answer, line["error"])
        else:
            answer.set_result(line["answer"])

    def _last_words(self) -> str:
        self._log.seek(0)
        return self._log.read()[-2000:].decode("utf-8", "replace")


def _fail(answer: Future[object], reason: str) -> None:
    if not answer.cancelled():
        answer.set_exception(PeerError(reason))


@dataclass(frozen=True, slots=True)
class Shield:
    """What Element shows beside a message: ``NONE``, ``GREY`` or ``RED``, and why."""

    colour: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Seen:
    """A message in Element; ``body`` is ``None`` and ``failure`` says why if it is not readable.

    ``readers`` are others than the sender who have read up to it.
    """

    id: str
    sender: str
    body: str | None
    content: Json
    formatted: str | None
    mentions: tuple[str, ...]
    encrypted: bool
    readable: bool
    failure: str | None
    shield: Shield | None
    reply: str | None
    thread: str | None
    edited: bool
    deleted: bool
    readers: tuple[str, ...]
    reactions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file in Element; ``message`` is the content of its event."""

    content: bytes
    encrypted: bool
    message: Json


@dataclass(frozen=True, slots=True)
class SeenRoom:
    """A room in Element; ``members`` are user IDs with membership, ``names`` with name."""

    membership: str
    encrypted: bool
    inviter: str | None
    members: dict[str, str]
    typing: list[str]
    marked_unread: bool
    names: dict[str, str]


@dataclass(frozen=True, slots=True)
class SeenUser:
    """What Element holds of a person: cross-signed, verified by me, changed since first seen."""

    identity: bool
    verified: bool
    changed: bool


@dataclass(frozen=True, slots=True)
class SeenDevice:
    """What Element holds of a device; ``signed`` is by its owner."""

    known: bool
    signed: bool
    verified: bool


@dataclass(frozen=True, slots=True)
class OwnEncryption:
    """Element's own set-up; ``secrets`` says which are in secret storage under the default key.

    ``kept`` says which secrets the device itself has: master, self_signing, user_signing, backup.
    """

    identity: bool
    master: str | None
    storage: bool
    secrets: dict[str, bool]
    backup: str | None
    kept: dict[str, bool]


@dataclass(frozen=True, slots=True)
class SeenBackup:
    """The server's key backup: vouched for by the identity, and readable with the key at hand."""

    version: str
    count: int
    trusted: bool
    readable: bool


@dataclass(frozen=True, slots=True)
class SeenVerification:
    """The latest one in Element: its phase by Element's name, and what is to be compared."""

    phase: str
    mine: bool
    shown: bool
    emoji: tuple[str, ...]
    decimals: tuple[int, ...]


class Element:
    """One device of Element, of the account that :class:`Account` drives by hand as well."""

    def __init__(self, peer: Peer, account: Account):
        self.account = account
        self.me = account.user_id
        self._peer = peer

    # -- the session --------------------------------------------------------------------------

    async def sign_in(self) -> None:
        """Begin to sync; then others can encrypt to this device."""
        session = {
            "baseUrl": self.account.base_url,
            "userId": self.me,
            "deviceId": self.account.device_id,
            "accessToken": self.account.access_token,
            "password": self.account.password,
        }
        await self._act("signIn", **session)

    async def stop(self) -> None:
        """Stop syncing and forget the device; its session stays open on the server."""
        await self._act("stop")

    # -- chats --------------------------------------------------------------------------------

    async def create_direct(self, other: Account, *, encrypted: bool = True) -> str:
        """Invite to a new room and record it in ``m.direct``; the room's ID."""
        return str(await self._act("createDirect", user=other.user_id, encrypted=encrypted))

    async def accept(self, room_id: str) -> bool:
        """Join, recording the room as direct if its invite says so; whether it does."""
        return bool(await self._act("accept", roomId=room_id))

    async def invite(self, room_id: str, other: Account) -> None:
        """Invite as Element does, without any flag."""
        await self._act("invite", roomId=room_id, user=other.user_id)

    async def leave(self, room_id: str) -> None:
        await self._act("leave", roomId=room_id)

    async def upgrade(self, room_id: str, version: str = "12") -> str:
        """Replace the room and invite everybody; the ID of the new one."""
        return str(await self._act("upgrade", roomId=room_id, version=version))

    async def set_typing(self, room_id: str, typing: bool) -> None:
        await self._act("setTyping", roomId=room_id, typing=typing)

    async def mark_unread(self, room_id: str, unread: bool) -> None:
        await self._act("markUnread", roomId=room_id, unread=unread)

    async def ignore(self, *others: Account) -> None:
        """Ignore these people, and nobody else."""
        await self._act("ignore", users=[other.user_id for other in others])

    async def ignored(self, **want: object) -> Json:
        """Who is ignored: user IDs."""
        return await self._seen("ignored", want)

    async def set_name(self, name: str) -> None:
        await self._act("setName", name=name)

    async def direct(self) -> Json:
        """``m.direct`` as the server has it."""
        answer = await self._view("direct")
        assert isinstance(answer, dict)
        return answer

    async def set_direct(self, content: Json) -> None:
        await self._act("setDirect", content=content)

    async def room(self, room_id: str, **want: object) -> SeenRoom:
        """The room, once it has what is wanted, e.g. ``membership="invite"``."""
        return SeenRoom(**await self._seen("room", want, roomId=room_id))

    # -- messages -----------------------------------------------------------------------------

    async def send(self, room_id: str, body: str, formatted: str = "") -> str:
        """Send a text message; its event ID."""
        return str(await self._act("send", roomId=room_id, body=body, formatted=formatted))

    async def say(self, room_id: str, content: Json, kind: str = "m.room.message") -> str:
        """Send an event of this content, whatever it is; its event ID."""
        return str(await self._act("say", roomId=room_id, type=kind, content=content))

    async def reply(self, room_id: str, event_id: str, body: str) -> str:
        return str(await self._act("reply", roomId=room_id, event=event_id, body=body))

    async def edit(self, room_id: str, event_id: str, body: str) -> str:
        return str(await self._act("edit", roomId=room_id, event=event_id, body=body))

    async def react(self, room_id: str, event_id: str, key: str) -> str:
        return str(await self._act("react", roomId=room_id, event=event_id, key=key))

    async def thread(self, room_id: str, root: str, newest: str, body: str) -> str:
        """Send into a thread, whose newest event is named too."""
        return str(await self._act("thread", roomId=room_id, root=root, event=newest, body=body))

    async def read(self, room_id: str, event_id: str) -> None:
        """Have seen all up to this message, and tell so."""
        await self._act("read", roomId=room_id, event=event_id)

    async def redact(self, room_id: str, event_id: str) -> str:
        return str(await self._act("redact", roomId=room_id, event=event_id))

    async def send_file(
        self,
        room_id: str,
        name: str,
        content: bytes,
        mimetype: str,
        *,
        caption: str = "",
        thumbnail: bytes = b"",
        reply: str = "",
        more: Json | None = None,
    ) -> str:
        """Upload and send a file or a picture, encrypted where the room is; its event ID.

        ``more`` is part of the message's content, e.g. its ``msgtype``.
        """
        msgtype = "m.image" if mimetype.startswith("image/") else "m.file"
        details = {"name": name, "mimetype": mimetype, "caption": caption, "msgtype": msgtype}
        data, small = (base64.b64encode(each).decode() for each in (content, thumbnail))
        return str(
            await self._act(
                "sendFile",
                roomId=room_id,
                base64=data,
                thumbnail=small,
                replyTo=reply,
                more=more or {},
                **details,
            )
        )

    async def read_file(self, room_id: str, event_id: str, *, thumbnail: bool = False) -> ReadFile:
        """The file of a message, or its thumbnail, downloaded and decrypted."""
        answer = await self._act("readFile", roomId=room_id, event=event_id, thumbnail=thumbnail)
        assert isinstance(answer, dict)
        content = base64.b64decode(answer["base64"])
        return ReadFile(content, answer["encrypted"], answer["content"])

    async def message(
        self, room_id: str, *, event_id: str = "", body: str = "", **want: object
    ) -> Seen:
        """The newest message with this ID, or this text, once it has what is wanted."""
        seen = await self._seen("message", want, roomId=room_id, event=event_id, body=body)
        return _message(seen)

    async def messages(self, room_id: str) -> list[Seen]:
        """All that is in the live timeline, oldest first."""
        answer = await self._view("messages", roomId=room_id)
        assert isinstance(answer, list)
        return [_message(seen) for seen in answer]

    # -- how people show themselves -------------------------------------------------------------

    async def set_picture(self, content: bytes, mimetype: str) -> None:
        await self._act("setPicture", base64=base64.b64encode(content).decode(), type=mimetype)

    async def picture(self, other: Account) -> bytes | None:
        """The picture of the person, as their profile has it."""
        answer = await self._act("picture", user=other.user_id)
        return None if answer is None else base64.b64decode(str(answer))

    async def profile(self, other: Account, **want: object) -> Json:
        """What is shown of the person, once it has what is wanted: ``presence``, ``status`` …"""
        return await self._seen("profile", want, user=other.user_id)

    # -- encryption and trust -----------------------------------------------------------------

    async def set_up(self, passphrase: str = "") -> str:
        """Make an identity, secret storage and key backup; the recovery key."""
        return str(await self._act("setUp", passphrase=passphrase or None))

    async def recover(self, recovery_key: str = "", *, passphrase: str = "") -> Json | None:
        """Type in the recovery key or passphrase: ``{imported, total}`` room keys of the backup."""
        answer = await self._act("recover", recoveryKey=recovery_key, passphrase=passphrase)
        assert answer is None or isinstance(answer, dict)
        return answer

    async def reset(self) -> None:
        """Make a new identity in place of the old one, as whoever lost every key does."""
        await self._act("reset")

    async def restore_backup(self) -> Json:
        """Fetch all room keys of the backup: ``{imported, total}``."""
        answer = await self._act("restoreBackup")
        assert isinstance(answer, dict)
        return answer

    async def only_signed(self, on: bool = True) -> None:
        """Exchange messages with cross-signed devices only."""
        await self._act("isolate", mode="signed" if on else "none")

    async def request_keys(self, room_id: str) -> None:
        """Ask other devices of mine for the keys that are missing in the room."""
        await self._act("requestKeys", roomId=room_id)

    async def rotate(self, room_id: str) -> None:
        """Share a new session with everybody's devices before the next message."""
        await self._act("rotate", roomId=room_id)

    async def encryption(self, **want: object) -> OwnEncryption:
        return OwnEncryption(**await self._seen("encryption", want))

    async def backup(self, **want: object) -> SeenBackup:
        return SeenBackup(**await self._seen("backup", want))

    async def user(self, other: Account, **want: object) -> SeenUser:
        """The person, freshly asked for, once it has what is wanted, e.g. ``identity=True``."""
        return SeenUser(**await self._seen("user", want, user=other.user_id))

    async def device(self, other: Account, **want: object) -> SeenDevice:
        """The device of the account, freshly asked for, e.g. ``signed=True``."""
        seen = await self._seen("device", want, user=other.user_id, id=other.device_id)
        return SeenDevice(**seen)

    # -- verifying each other -----------------------------------------------------------------

    async def request_verification(self, other: Account | None = None, room_id: str = "") -> None:
        """Ask the person in the room, or my own other devices."""
        user = other.user_id if other else None
        await self._act("requestVerification", user=user, roomId=room_id)

    async def accept_verification(self) -> None:
        await self._act("acceptVerification")

    async def start_verification(self) -> None:
        await self._act("startVerification")

    async def confirm_verification(self) -> None:
        """They match."""
        await self._act("confirmVerification")

    async def mismatch_verification(self) -> None:
        """They do not match."""
        await self._act("mismatchVerification")

    async def have_camera(self) -> None:
        """Be able to scan codes, as on a phone."""
        await self._act("haveCamera")

    async def scan_code(self, code: bytes) -> None:
        """What the camera reads."""
        await self._act("scanCode", base64=base64.b64encode(code).decode())

    async def cancel_verification(self) -> None:
        await self._act("cancelVerification")

    async def verification(self, **want: object) -> SeenVerification:
        """The latest one, once it has what is wanted, e.g. ``phase="Requested"``."""
        seen = await self._seen("verification", want)
        lists = {"emoji": tuple(seen["emoji"]), "decimals": tuple(seen["decimals"])}
        return SeenVerification(**{**seen, **lists})

    # -- the protocol -------------------------------------------------------------------------

    async def _act(self, act: str, **details: object) -> object:
        return await self._ask({"act": act, "with": details}, act)

    async def _view(self, view: str, want: Json | None = None, **details: object) -> object:
        request: Json = {"view": view, "with": details}
        if want:
            request["want"] = want
        return await self._ask(request, view)

    async def _seen(self, view: str, want: Json, **details: object) -> Json:
        answer = await self._view(view, want, **details)
        assert isinstance(answer, dict)
        return answer

    async def _ask(self, request: Json, what: str) -> object:
        try:
            return await self._peer.ask({"device": self.account.device_id, **request})
        except (PeerError, TimeoutError) as error:
            reason = str(error) or f"no answer to {what}"
            raise PeerError(f"{self.me}: {reason}") from error


def _message(seen: Json) -> Seen:
    shield = seen["shield"]
    return Seen(
        **{
            **seen,
            "shield": None if shield is None else Shield(**shield),
            "mentions": tuple(seen["mentions"]),
            "readers": tuple(seen["readers"]),
            "reactions": tuple(seen["reactions"]),
        }
    )
