"""Whom I hear of: ``m.ignored_user_list`` and the switch for invites, changed from a fresh read."""

from __future__ import annotations

from dmtui.core.errors import BadContent
from dmtui.core.intents import BlockInvites, Decline, Entry, Ignore, Outcome, StopIgnoring
from dmtui.core.model import JsonObject
from dmtui.core.ports import Homeserver
from dmtui.messenger.invites import UNKNOWN_SENDER
from dmtui.messenger.journal import Settlement
from dmtui.messenger.ledger import Ledger

M_IGNORED_USER_LIST = "m.ignored_user_list"
M_INVITE_PERMISSION_CONFIG = "m.invite_permission_config"

_ACTION = "default_action"
_BLOCK = "block"
_ALLOW = "allow"
_DONE = Outcome(ok=True)


class Hearing:
    """Changes one thing at a time, and leaves what other clients put there as it is.

    The content is read and written back whole, with nothing to compare and swap. A wish that was
    taken back meanwhile is not carried out any more.
    """

    def __init__(self, homeserver: Homeserver, ledger: Ledger):
        self._homeserver = homeserver
        self._ledger = ledger

    async def ignore(self, entry: Entry, intent: Ignore) -> Settlement:
        """See nothing of the person any more; what they have sent is declined.

        The server only withholds what is new, and tells again of an old invite once the person
        is no longer ignored.
        """
        if not intent.user_id:
            return Outcome(ok=False, message=UNKNOWN_SENDER), ()
        async with self._ledger.account_data:
            if self._is_over(entry):
                return _DONE, ()
            content, ignored = await self._ignored()
            if intent.user_id not in ignored:
                await self._write_ignored(content, {**ignored, intent.user_id: {}})
        sent = self._ledger.store.requests.invited_by(intent.user_id)
        return _DONE, tuple(Decline(room_id, intent.user_id) for room_id in sent)

    async def stop_ignoring(self, entry: Entry, intent: StopIgnoring) -> Settlement:
        """See the person again."""
        async with self._ledger.account_data:
            if self._is_over(entry):
                return _DONE, ()
            content, ignored = await self._ignored()
            if intent.user_id in ignored:
                rest = {user: value for user, value in ignored.items() if user != intent.user_id}
                await self._write_ignored(content, rest)
        return _DONE, ()

    async def block(self, entry: Entry, intent: BlockInvites) -> Settlement:
        """Let nobody invite me, or everybody; exceptions that other clients know of stay.

        Client-server API v1.18, "Invite permission".
        """
        async with self._ledger.account_data:
            if self._is_over(entry):
                return _DONE, ()
            content = await self._homeserver.account_data(M_INVITE_PERMISSION_CONFIG) or {}
            wanted = _BLOCK if intent.blocked else _ALLOW
            if content.get(_ACTION, _ALLOW) != wanted:
                content = {**content, _ACTION: wanted}
                await self._homeserver.set_account_data(M_INVITE_PERMISSION_CONFIG, content)
        return _DONE, ()

    def _is_over(self, entry: Entry) -> bool:
        now = self._ledger.store.intent(entry.number)
        return now is None or now.outcome is not None

    async def _ignored(self) -> tuple[JsonObject, JsonObject]:
        """The whole content, and the part of it that names people."""
        content = await self._homeserver.account_data(M_IGNORED_USER_LIST) or {}
        ignored = content.get("ignored_users", {})
        if not isinstance(ignored, dict):
            raise BadContent(
                "The list of ignored people on the server is malformed; it was left as it is."
            )
        return content, ignored

    async def _write_ignored(self, content: JsonObject, ignored: JsonObject) -> None:
        whole: JsonObject = {**content, "ignored_users": ignored}
        await self._homeserver.set_account_data(M_IGNORED_USER_LIST, whole)
