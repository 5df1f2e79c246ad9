"""``dmtui people`` and ``dmtui inbox``: read from the store, without the network once synced."""

from __future__ import annotations

import contextlib
import time
from argparse import Namespace
from collections.abc import Iterator
from datetime import datetime

from dmtui.command_line.answers import say, say_json
from dmtui.command_line.signed_in import signed_in
from dmtui.compose import open_store
from dmtui.core.invites import common_ground, is_stranger, shown_name
from dmtui.core.model import Conversation, Invite, JsonObject, PeerState
from dmtui.core.times import list_time
from dmtui.profile import ProfilePaths
from dmtui.store.store import Store


@contextlib.contextmanager
def synced_store(paths: ProfilePaths) -> Iterator[Store]:
    """The store, filled by a first sync if there was none yet."""
    session = signed_in(paths)
    with contextlib.closing(open_store(paths, session)) as store:
        if not store.synced():
            from dmtui.command_line.errand import Errand

            Errand(paths, session, store, wish=None).run()
        yield store


def people(paths: ProfilePaths, options: Namespace) -> None:
    """Everyone with a conversation: pinned, then newest message first, archived last."""
    with synced_store(paths) as store:
        conversations = store.people()
    if options.json:
        say_json([_person(conversation) for conversation in conversations])
        return
    if not conversations:
        say("Nobody yet: dmtui send @user:server starts a chat.")
    now, zone = int(time.time() * 1000), datetime.now().astimezone().tzinfo
    assert zone is not None  # noqa: S101 - astimezone() sets it
    for conversation in conversations:
        unread = f"{conversation.unread} unread" if conversation.unread else ""
        if conversation.marked_unread and not unread:
            unread = "marked as unread"
        when = list_time(conversation.latest, now, zone)
        name = _with_state(conversation)
        say("\t".join((name, conversation.user_id, unread, when, conversation.preview)))


def _with_state(conversation: Conversation) -> str:
    states = (
        "" if conversation.peer is PeerState.JOINED else conversation.peer.value,
        "pinned" if conversation.pinned else "",
        "muted" if conversation.muted else "",
        "archived" if conversation.archived else "",
        f"looks like {conversation.looks_like}" if conversation.looks_like else "",
    )
    words = ", ".join(state for state in states if state)
    return f"{conversation.name} ({words})" if words else conversation.name


def _person(conversation: Conversation) -> JsonObject:
    return {
        "user_id": conversation.user_id,
        "name": conversation.name,
        "room_id": conversation.room_id,
        "latest": conversation.latest,
        "preview": conversation.preview,
        "unread": conversation.unread,
        "marked_unread": conversation.marked_unread,
        "encrypted": conversation.encrypted,
        "peer": conversation.peer.value,
        "known_as": conversation.known_as,
        "looks_like": conversation.looks_like,
        "pinned": conversation.pinned,
        "archived": conversation.archived,
        "muted": conversation.muted,
        "muted_until": conversation.muted_until,
    }


def inbox(paths: ProfilePaths, options: Namespace) -> None:
    """Pending invites: direct ones first, by standing, then newest first.

    What somebody unknown calls themselves, or a room of theirs, is in the JSON alone.
    """
    with synced_store(paths) as store:
        invites = store.invites()
    if options.json:
        say_json([_invite(invite) for invite in invites])
        return
    if not invites:
        say("No pending invites.")
    for invite in invites:
        room = "" if is_stranger(invite) else invite.room_name
        kind = "chat" if invite.direct else f"room {room}".strip()
        who = (shown_name(invite), invite.inviter)
        say("\t".join((invite.room_id, kind, *who, invite.warning, common_ground(invite))))


def _invite(invite: Invite) -> JsonObject:
    return {
        "room_id": invite.room_id,
        "direct": invite.direct,
        "inviter": invite.inviter,
        "inviter_name": invite.inviter_name,
        "room_name": invite.room_name,
        "reason": invite.reason,
        "received": invite.received,
        "encrypted": invite.encrypted,
        "warning": invite.warning,
        "standing": invite.standing.value,
        "shared_rooms": invite.shared_rooms,
    }
