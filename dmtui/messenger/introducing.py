"""Carries out how others are to see me."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from dmtui.core.errors import DmtuiError, FileTrouble, Recoverable, Refused, SignedOut
from dmtui.core.intents import (
    Entry,
    Outcome,
    ProfileWish,
    SetName,
    SetPicture,
    SetPresence,
    SetStatus,
)
from dmtui.core.model import Availability, Media, Safe, UserId
from dmtui.core.ports import Homeserver
from dmtui.messenger.journal import Settlement
from dmtui.messenger.ledger import Ledger
from dmtui.messenger.outgoing_files import OutgoingFiles

UNSEEN = "Your homeserver shows no presence: nobody sees whether you are there, nor your status."
_DONE = Outcome(ok=True)


class Introducing:
    """One wish at a time, so that the last one is what others see in the end."""

    def __init__(
        self,
        me: UserId,
        homeserver: Homeserver,
        ledger: Ledger,
        files: OutgoingFiles,
        end_former_presence: Callable[[], Awaitable[None]],
    ):
        self._end_former_presence = end_former_presence
        self._me = me
        self._homeserver = homeserver
        self._ledger = ledger
        self._files = files
        self._turn = asyncio.Lock()

    async def introduce(self, entry: Entry, intent: ProfileWish) -> Settlement:
        """Do it, unless something else was wished meanwhile."""
        async with self._turn:
            if self._is_over(entry):
                return _DONE, ()
            match intent:
                case SetName(name):
                    await self._homeserver.set_display_name(name)
                    return _DONE, ()
                case SetPicture():
                    return await self._show(entry, intent), ()
                case SetStatus(words):
                    availability = self._ledger.store.presence() or Availability.ONLINE
                    return await self._say(availability, words), ()
                case SetPresence():
                    wished = intent.availability or Availability.OFFLINE  # takes back what was said
                    await self._end_former_presence()
                    return await self._say(wished, await self._status()), ()

    def _is_over(self, entry: Entry) -> bool:
        now = self._ledger.store.intent(entry.number)
        return now is None or now.outcome is not None

    async def _show(self, entry: Entry, intent: SetPicture) -> Outcome:
        """It is uploaded once; its copy, and those of former ones, go when there is a verdict."""
        outcome = _DONE
        try:
            if intent.copy and not intent.uri:
                intent = await self._uploaded(entry, intent)
            if not self._is_over(entry):
                await self._homeserver.set_avatar(intent.uri)
        except (Recoverable, SignedOut):
            raise
        except (FileTrouble, Refused) as error:
            outcome = Outcome(ok=False, message=str(error))
        former = await self._ledger.run(self._ledger.store.former_pictures)
        await asyncio.to_thread(self._files.drop, {*former, intent.copy} - {""})
        return outcome

    async def _uploaded(self, entry: Entry, intent: SetPicture) -> SetPicture:
        file = str(self._files.path(intent.copy))
        media = Media("", mimetype=intent.mimetype)
        stored = await self._homeserver.upload(None, file, media, False, lambda _, __: None)
        intent = replace(intent, uri=stored.uri)
        await self._ledger.run(self._ledger.store.replace_intent, entry.number, intent)
        return intent

    async def _status(self) -> Safe:
        try:
            return (await self._homeserver.presence(self._me)).status
        except Refused:
            return Safe("")

    async def _say(self, availability: Availability, status: str) -> Outcome:
        """Servers that keep no presence take it all the same."""
        await self._homeserver.set_presence(availability, status)
        if availability is Availability.OFFLINE:
            return _DONE
        try:
            now = await self._homeserver.presence(self._me)
        except DmtuiError:
            return _DONE
        seen = now.availability is not Availability.OFFLINE
        return _DONE if seen else Outcome(ok=False, message=UNSEEN)
