"""What is typed and not sent: kept per person, written to disk when typing pauses."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dmtui.core.model import UserId
    from dmtui.messenger.messenger import Messenger


class Drafts:
    """The newest text per person; what is not yet on disk comes before what is."""

    def __init__(self, messenger: Messenger):
        self._messenger = messenger
        self._unsaved: dict[UserId, str] = {}

    def change(self, user_id: UserId, text: str) -> None:
        """Note what the person's draft is now."""
        self._unsaved[user_id] = text

    def of(self, user_id: UserId, stored: str) -> str:
        """The person's draft, ``stored`` being what the store has."""
        return self._unsaved.get(user_id, stored)

    def forget(self, user_id: UserId) -> None:
        """The text is being sent: that clears the draft on disk."""
        self._unsaved.pop(user_id, None)

    async def save(self) -> None:
        """Write down what is not yet on disk. Raises ``StoreTrouble``."""
        for user_id in list(self._unsaved):
            text = self._unsaved.get(user_id)
            if text is None:  # sent while another one was being written
                continue
            await self._messenger.save_draft(user_id, text)
            if self._unsaved.get(user_id) == text:
                del self._unsaved[user_id]
