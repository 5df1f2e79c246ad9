"""What the composer is for: a new message, a reply, or a message that is being edited."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from textual.content import Content

from dmtui.core.model import NO_AIM, Aim, Kind
from dmtui.core.slash import typed_as
from dmtui.ui.widgets.relation_lines import said

if TYPE_CHECKING:
    from textual.widgets import Static

    from dmtui.core.model import Message, UserId
    from dmtui.messenger.messenger import Messenger
    from dmtui.ui.screens.drafts import Drafts
    from dmtui.ui.widgets.composer import Composer

_EDITABLE = (Kind.TEXT, Kind.NOTICE, Kind.EMOTE)


class Writing:
    """Keeps composer, draft and the line above the composer together.

    While a message is edited, the draft waits, and comes back when that ends.
    """

    def __init__(self, messenger: Messenger, drafts: Drafts, composer: Composer, line: Static):
        self._messenger = messenger
        self._drafts = drafts
        self._composer = composer
        self._line = line

    @property
    def _person(self) -> UserId | None:
        return self._composer.writing_to

    @property
    def _aim(self) -> Aim:
        return self._drafts.aim(self._person) if self._person is not None else NO_AIM

    @property
    def draft(self) -> str:
        """What is written to the person, whatever is being edited meanwhile."""
        if self._person is None or not self._aim.edits:
            return self._composer.text
        return self.draft_of(self._person)

    @property
    def edited(self) -> Message | None:
        """The message that is being edited."""
        key = self._aim.edits
        return self._messenger.relations.message(key) if key else None

    def draft_of(self, user_id: UserId) -> str:
        """What is written to somebody."""
        found = self._messenger.conversations(frozenset({user_id}))
        return self._drafts.of(user_id, found[0].draft if found else "")

    def load(self) -> None:
        """Show what there is for the person that the composer writes to."""
        if self._person is not None:
            aim = self._aim
            self._composer.load_draft(aim.edited if aim.edits else self.draft_of(self._person))
            self.show()

    def show(self) -> None:
        """Say above the composer what it is for."""
        aim = self._aim
        key, words = aim.edits or aim.answers, ""
        message = self._messenger.relations.message(key) if key else None
        if message is not None and aim.edits:
            words = f"Editing (Esc cancels): {said(message.kind, message.body)}"
        elif message is not None:
            who = "yourself" if message.own else message.sender_name
            words = f"Replying to {who} (Esc cancels): {said(message.kind, message.body)}"
        self._line.update(Content(words))
        self._line.display = bool(words)

    def answer(self, message: Message) -> None:
        """What is written is a reply to this message."""
        self._aim_at(Aim(answers=message.key))

    def edit(self, message: Message) -> str:
        """Take the message's text into the composer; else why that can't be done."""
        if message.kind not in _EDITABLE:
            return "Only texts can be edited."
        self._aim_at(
            replace(self._aim, edits=message.key, edited=typed_as(message.body, message.kind))
        )
        return ""

    def cancel(self) -> bool:
        """Esc: no edit any more, else no reply; false if it was neither."""
        aim = self._aim
        if aim.edits:
            self._aim_at(Aim(answers=aim.answers))
        elif aim.answers:
            self._aim_at(NO_AIM)
        return aim != NO_AIM

    def _aim_at(self, aim: Aim) -> None:
        if self._person is None:
            return
        editing = aim.edits or self._aim.edits
        self._drafts.set_aim(self._person, aim, self.draft)
        if editing:
            self.load()
        else:
            self.show()

    def note(self, user_id: UserId, text: str) -> None:
        """The text to this person is now this."""
        aim = self._drafts.aim(user_id)
        if aim.edits:
            self._drafts.set_aim(user_id, replace(aim, edited=text), self.draft_of(user_id))
        else:
            self._drafts.change(user_id, text)

    def submitted(self, user_id: UserId) -> Aim:
        """What was written is being sent: what it was, and back to the draft after an edit."""
        aim = self._drafts.aim(user_id)
        if not aim.edits:
            self._drafts.forget(user_id)
        else:
            draft = self.draft_of(user_id)
            if user_id == self._person:
                draft += self._composer.text  # typed since
                self._composer.load_draft(draft)
            self._drafts.set_aim(user_id, Aim(answers=aim.answers), draft)
        self.show()
        return aim

    def answering(self, user_id: UserId) -> Message | None:
        """What the draft to the person is a reply to; ``None``, too, while a message is edited."""
        aim = self._drafts.aim(user_id)
        if not aim.answers or aim.edits:
            return None
        return self._messenger.relations.message(aim.answers)

    def answered(self, user_id: UserId) -> None:
        """A file went out as the reply: the draft stays, and is none any more."""
        draft = self.draft if user_id == self._person else self.draft_of(user_id)
        self._drafts.set_aim(user_id, NO_AIM, draft)
        if user_id == self._person:
            self.show()

    def give_back(self, user_id: UserId, text: str, aim: Aim = NO_AIM) -> None:
        """It could not be sent: into the composer, or the draft where somebody else is on show."""
        if aim.edits:
            self._drafts.set_aim(user_id, replace(aim, edited=text), self.draft_of(user_id))
        else:
            draft = self.draft if user_id == self._person else self.draft_of(user_id)
            aim = aim if aim.answers else self._drafts.aim(user_id)
            self._drafts.set_aim(user_id, aim, f"{text}\n{draft}" if draft else text)
        if user_id == self._person:
            self.load()
