"""What is typed and not sent: kept per person, written to disk when typing pauses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dmtui.core.model import NO_AIM, Aim

if TYPE_CHECKING:
    from dmtui.core.model import UserId
    from dmtui.messenger.messenger import Messenger


class Drafts:
    """The newest text per person, and its aim; what is not yet on disk comes before what is."""

    def __init__(self, messenger: Messenger):
        self._messenger = messenger
        self._unsaved: dict[UserId, str] = {}
        self._aims: dict[UserId, Aim] = {}
        self._meant: dict[UserId, UserId] = {}  # groups: to whom alone was typed what is there

    def change(self, user_id: UserId, text: str) -> None:
        """Note what the person's draft is now."""
        self._unsaved[user_id] = text

    def of(self, user_id: UserId, stored: str) -> str:
        """The person's draft, ``stored`` being what the store has."""
        return self._unsaved.get(user_id, stored)

    def aim(self, user_id: UserId) -> Aim:
        """What the person's draft is about."""
        if user_id not in self._aims:
            self._aims[user_id] = self._messenger.aim(user_id)
        return self._aims[user_id]

    def set_aim(self, user_id: UserId, aim: Aim, text: str) -> None:
        """Note what the person's draft, which is ``text``, is about now."""
        self._aims[user_id] = aim
        self.change(user_id, text)

    def move(self, former: UserId, now: UserId, text: str, *, to_group: bool) -> None:
        """What is typed goes along with its room, which is a group now, or none any more."""
        if text or self.aim(former) != NO_AIM:
            self.set_aim(now, self.aim(former), text)
            self.set_aim(former, NO_AIM, "")
        if to_group:
            self._meant[now] = former

    def meant_for(self, user_id: UserId, stored: UserId | None) -> UserId | None:
        """The person to whom a group's draft was typed, ``stored`` being what the store has."""
        return self._meant.get(user_id, stored)

    def told(self, group: UserId) -> None:
        """The user knows by now that the whole group reads what is typed there."""
        self._meant.pop(group, None)

    def forget(self, user_id: UserId) -> None:
        """The text is being sent: that clears the draft on disk."""
        self._unsaved.pop(user_id, None)
        self._aims[user_id] = NO_AIM
        self._meant.pop(user_id, None)

    async def save(self) -> None:
        """Write down what is not yet on disk. Raises ``StoreTrouble``."""
        for user_id in list(self._unsaved):
            text = self._unsaved.get(user_id)
            if text is None:  # sent while another one was being written
                continue
            aim = self.aim(user_id)
            await self._messenger.save_draft(user_id, text, self._meant.get(user_id), aim)
            if self._unsaved.get(user_id) == text and self._aims.get(user_id) == aim:
                del self._unsaved[user_id]
