"""``dmtui send``, ``accept``, ``decline``, ``invites``: intents, followed to their outcomes."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from argparse import Namespace
from pathlib import Path

from dmtui.command_line.answers import Failure, WrongUsage, say, say_json
from dmtui.command_line.errand import Errand, Wish
from dmtui.command_line.signed_in import signed_in
from dmtui.compose import open_store
from dmtui.core.intents import (
    Accept,
    BlockInvites,
    Decline,
    Deliver,
    Ignore,
    Intent,
    Outcome,
    Report,
)
from dmtui.core.model import Attachment, Invite, RoomId
from dmtui.core.names import valid_user_id
from dmtui.profile import ProfilePaths
from dmtui.store.store import Store


def send(paths: ProfilePaths, options: Namespace) -> None:
    """Start Chat semantics, then one message."""
    user_id = valid_user_id(options.user)
    if options.file:
        wish = Deliver(user_id, "", _attachment(paths, Path(options.file), options.text or ""))
    else:
        wish = Deliver(user_id, _text(options.text))
    outcome = _carry_out(paths, lambda _: [wish])
    if options.json:
        say_json({"room_id": outcome.room_id, "event_id": outcome.event_id})
    else:
        say(f"Sent to {user_id}.")


def _attachment(paths: ProfilePaths, path: Path, caption: str) -> Attachment:
    """With a copy of the file in the profile, which outlives whatever becomes of the file."""
    from dmtui.messenger.attaching import copied, look
    from dmtui.messenger.outgoing_files import OutgoingFiles

    signed_in(paths)
    return asyncio.run(copied(OutgoingFiles(paths.outgoing_files), look(path), caption))


def accept(paths: ProfilePaths, options: Namespace) -> None:
    """Join; a direct invite becomes a direct chat unless it is wished as a room."""
    room_id = _room_id(options.room)
    direct = False

    def wish(store: Store) -> list[Intent]:
        nonlocal direct
        invite = _invite(store, room_id)
        direct = invite.direct and not options.as_room
        return [Accept(room_id, invite.inviter, direct)]

    _carry_out(paths, wish)
    say("Accepted: the chat is among your people." if direct else "Joined as a room.")


def decline(paths: ProfilePaths, options: Namespace) -> None:
    """Decline, and ignore and report the inviter if so wished: a line for each step."""
    room_id = _room_id(options.room)
    ignored, reported = options.ignore, options.report is not None

    def wish(store: Store) -> list[Intent]:
        inviter = _invite(store, room_id).inviter
        intents: list[Intent] = [Decline(room_id, inviter)]
        if ignored:
            intents.append(Ignore(inviter))
        if reported:
            intents.append(Report(inviter, room_id, options.report))
        return intents

    steps = [("Declining", "Declined.")]
    if ignored:
        steps.append(("Ignoring", "The sender is ignored from now on."))
    if reported:
        steps.append(("Reporting", "Reported to those who run your homeserver."))
    failures = []
    for (doing, done), outcome in zip(steps, _outcomes(paths, wish), strict=True):
        if outcome.ok:
            say(done)
        else:
            failures.append(f"{doing} failed: {outcome.message or 'the homeserver refused.'}")
    if failures:
        raise Failure(" ".join(failures))


def invites(paths: ProfilePaths, options: Namespace) -> None:
    """Show whether anybody may invite me, or change that."""
    if options.wanted == "status":
        with contextlib.closing(open_store(paths, signed_in(paths))) as store:
            blocked = store.requests.blocked()
    else:
        blocked = options.wanted == "block"
        _carry_out(paths, lambda _: [BlockInvites(blocked)])
    if options.json:
        say_json({"blocked": blocked})
    else:
        say("Invites are blocked." if blocked else "Invites are allowed.")


def _carry_out(paths: ProfilePaths, wish: Wish) -> Outcome:
    """The outcome of the one intent that is wished; raises ``Failure`` if that is one."""
    (outcome,) = _outcomes(paths, wish)
    if not outcome.ok:
        raise Failure(outcome.message or "The homeserver refused.")
    return outcome


def _outcomes(paths: ProfilePaths, wish: Wish) -> tuple[Outcome, ...]:
    session = signed_in(paths)
    with contextlib.closing(open_store(paths, session)) as store:
        return Errand(paths, session, store, wish).run()


def _text(typed: str | None) -> str:
    try:
        text = sys.stdin.buffer.read().decode("utf-8") if typed is None else typed
        text.encode("utf-8")
    except UnicodeError as error:
        raise WrongUsage("The message is not UTF-8 text.") from error
    text = text.removesuffix("\n")
    if not text.strip():
        raise WrongUsage("There is nothing to send: the message is empty.")
    return text


def _room_id(text: str) -> RoomId:
    if not text.startswith("!"):
        raise WrongUsage("A room ID starts with !; dmtui inbox shows those of pending invites.")
    return RoomId(text)


def _invite(store: Store, room_id: RoomId) -> Invite:
    for invite in store.invites():
        if invite.room_id == room_id:
            return invite
    raise Failure(f"There is no pending invite to {room_id}; dmtui inbox lists them.")
