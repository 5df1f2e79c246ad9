"""The journal of intents: typed on both sides, JSON between."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import cast

from dmtui.core.intents import (
    Accept,
    ArrangeContact,
    BlockInvites,
    CreateGroup,
    CreateRoom,
    Decline,
    Deliver,
    DirectAction,
    DirectChange,
    DropDirect,
    EditDirect,
    Entry,
    ExamineDirect,
    FollowUpgrade,
    ForgetRoom,
    Ignore,
    Intent,
    InviteBack,
    LeaveRoom,
    MakeRoom,
    MarkRead,
    Outcome,
    ProfileWish,
    RepairDirect,
    Report,
    RestoreDirect,
    SetName,
    SetPicture,
    SetPresence,
    SetStatus,
    StopIgnoring,
    TakeInviteBack,
    TidyDirect,
    UndoRepair,
)
from dmtui.core.model import (
    Attachment,
    Availability,
    EventId,
    Json,
    JsonObject,
    RoomId,
    UserId,
)
from dmtui.store.attachments import attachment_of
from dmtui.store.database import number
from dmtui.store.work import Work

MALFORMED = Outcome(False, "A wish in the local database could not be read and was dropped.")


class _Fields:
    """Typed look at a JSON object; raises ``ValueError`` where a field is not as it must be."""

    def __init__(self, content: JsonObject):
        self._content = content

    def text(self, name: str) -> str:
        value = self._content.get(name)
        if not isinstance(value, str):
            raise ValueError(name)
        return value

    def flag(self, name: str, usual: bool | None = None) -> bool:
        value = self._content.get(name, usual)
        if not isinstance(value, bool):
            raise ValueError(name)
        return value

    def list(self, name: str) -> list[Json]:
        value = self._content.get(name)
        if not isinstance(value, list):
            raise ValueError(name)
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        values = self.list(name)
        if not all(isinstance(value, str) for value in values):
            raise ValueError(name)
        return tuple(str(value) for value in values)

    def attachment(self) -> Attachment | None:
        value = self._content.get("attachment")
        if not isinstance(value, dict):
            return None
        try:
            return attachment_of(value)
        except (TypeError, KeyError) as error:
            raise ValueError("attachment") from error

    def availability(self) -> Availability | None:
        value = self._content.get("availability")
        return None if value is None else Availability(self.text("availability"))

    def user(self, name: str = "user_id") -> UserId:
        return UserId(self.text(name))

    def room(self, name: str = "room_id") -> RoomId:
        return RoomId(self.text(name))


def _change(value: Json) -> DirectChange:
    if not isinstance(value, dict):
        raise ValueError("changes")
    fields = _Fields(value)
    if "action" in value:
        return EditDirect(DirectAction(fields.text("action")), fields.user(), fields.room())
    if "rooms" in value:
        return DropDirect(fields.text("key"), tuple(RoomId(str(r)) for r in fields.list("rooms")))
    return TidyDirect(fields.text("key"))


_READERS: dict[str, Callable[[_Fields], Intent]] = {
    "EditDirect": lambda f: EditDirect(DirectAction(f.text("action")), f.user(), f.room()),
    "RepairDirect": lambda f: RepairDirect(tuple(map(_change, f.list("changes")))),
    "UndoRepair": lambda _: UndoRepair(),
    "RestoreDirect": lambda f: RestoreDirect(
        tuple(n for n in f.list("versions") if isinstance(n, int))
    ),
    "ExamineDirect": lambda _: ExamineDirect(),
    "CreateRoom": lambda f: CreateRoom(
        f.user(), f.text("nonce"), f.flag("encrypted"), f.flag("posted")
    ),
    "InviteBack": lambda f: InviteBack(f.user(), f.room()),
    "Accept": lambda f: Accept(f.room(), f.user("inviter"), f.flag("direct")),
    "CreateGroup": lambda f: CreateGroup(
        tuple(map(UserId, f.texts("members"))),
        f.text("name"),
        f.text("nonce"),
        f.flag("encrypted"),
        f.flag("posted"),
    ),
    "TakeInviteBack": lambda f: TakeInviteBack(f.user(), f.room()),
    "FollowUpgrade": lambda f: FollowUpgrade(
        f.user(), f.room(), f.room("successor"), f.texts("via"), f.flag("entering")
    ),
    "LeaveRoom": lambda f: LeaveRoom(f.user(), f.room()),
    "ForgetRoom": lambda f: ForgetRoom(f.user(), f.room()),
    "MakeRoom": lambda f: MakeRoom(f.room()),
    "Decline": lambda f: Decline(f.room(), f.user("inviter")),
    "Ignore": lambda f: Ignore(f.user()),
    "StopIgnoring": lambda f: StopIgnoring(f.user()),
    "Report": lambda f: Report(f.user(), f.room(), f.text("reason")),
    "BlockInvites": lambda f: BlockInvites(f.flag("blocked")),
    "SetName": lambda f: SetName(f.text("name")),
    "SetStatus": lambda f: SetStatus(f.text("words")),
    "SetPicture": lambda f: SetPicture(f.text("copy"), f.text("mimetype"), f.text("uri")),
    "SetPresence": lambda f: SetPresence(f.availability()),
    "ArrangeContact": lambda f: ArrangeContact(f.user()),
    "MarkRead": lambda f: MarkRead(
        f.room(), EventId(f.text("event_id")), f.flag("private", usual=False)
    ),
    "Deliver": lambda f: Deliver(f.user(), f.text("text"), f.attachment()),
}


def write_intent(intent: Intent) -> tuple[str, str]:
    """Kind and payload of the row."""
    return type(intent).__name__, json.dumps(asdict(intent), sort_keys=True)


def read_intent(kind: str, payload: str) -> Intent | None:
    """The intent of a row; ``None`` if it is malformed or of an unknown kind."""
    try:
        content: Json = json.loads(payload)
        if not isinstance(content, dict) or kind not in _READERS:
            return None
        return _READERS[kind](_Fields(content))
    except ValueError:
        return None


def _write_outcome(outcome: Outcome) -> str:
    return json.dumps(asdict(outcome), sort_keys=True)


def _read_outcome(payload: str) -> Outcome:
    content = cast(JsonObject, json.loads(payload))
    fields = _Fields(content)
    room_id, event_id = content.get("room_id"), content.get("event_id")
    return Outcome(
        fields.flag("ok"),
        fields.text("message"),
        RoomId(room_id) if isinstance(room_id, str) else None,
        EventId(event_id) if isinstance(event_id, str) else None,
    )


def contrary_of(intent: Intent) -> Intent | None:
    """What the intent takes back, where two of the kind can't both be meant."""
    match intent:
        case Ignore(user_id):
            return StopIgnoring(user_id)
        case StopIgnoring(user_id):
            return Ignore(user_id)
        case BlockInvites(blocked):
            return BlockInvites(not blocked)
        case _:
            return None


# -- rows -----------------------------------------------------------------------------------


def add(work: Work, intent: Intent) -> int:
    """The intent's number; that of an identical pending one if there is one.

    A pending one that wants the contrary, or the same thing to be otherwise, is over.
    """
    kind, payload = write_intent(intent)
    if isinstance(intent, ProfileWish):
        work.connection.execute(
            "UPDATE intent SET outcome = ? WHERE outcome IS NULL AND kind = ? AND payload <> ?",
            (_write_outcome(Outcome(ok=True)), kind, payload),
        )
    if (contrary := contrary_of(intent)) is not None:
        work.connection.execute(
            "UPDATE intent SET outcome = ? WHERE outcome IS NULL AND kind = ? AND payload = ?",
            (_write_outcome(Outcome(ok=True)), *write_intent(contrary)),
        )
    known = number(
        work.connection,
        "SELECT number FROM intent WHERE outcome IS NULL AND kind = ? AND payload = ?",
        (kind, payload),
    )
    if known is not None and not isinstance(intent, Deliver):
        return known
    added = work.connection.execute(
        "INSERT INTO intent (kind, payload) VALUES (?, ?)", (kind, payload)
    )
    work.intents_changed()
    assert added.lastrowid is not None  # noqa: S101 - an INSERT always has one
    return added.lastrowid


def pending(connection: sqlite3.Connection) -> tuple[Entry, ...]:
    """Pending intents that can be read, in the order they were written."""
    rows = connection.execute(
        "SELECT number, kind, payload, attempts, problem FROM intent"
        " WHERE outcome IS NULL ORDER BY number"
    ).fetchall()
    entries = []
    for row, kind, payload, attempts, problem in rows:
        intent = read_intent(kind, payload)
        if intent is not None:
            entries.append(Entry(row, intent, attempts, problem))
    return tuple(entries)


def drop_malformed(work: Work) -> None:
    """End pending intents that can't be read, as failed."""
    for row, kind, payload in work.connection.execute(
        "SELECT number, kind, payload FROM intent WHERE outcome IS NULL"
    ).fetchall():
        if read_intent(kind, payload) is None:
            settle(work, row, MALFORMED)


def entry(connection: sqlite3.Connection, row: int) -> Entry | None:
    """One intent, pending or settled; ``None`` if there is none or it can't be read."""
    found = connection.execute(
        "SELECT kind, payload, attempts, problem, outcome FROM intent WHERE number = ?", (row,)
    ).fetchone()
    if found is None:
        return None
    kind, payload, attempts, problem, outcome = found
    intent = read_intent(kind, payload)
    if intent is None:
        return None
    ended = None if outcome is None else _read_outcome(outcome)
    return Entry(row, intent, attempts, problem, ended)


def rewrite(work: Work, row: int, intent: Intent) -> None:
    kind, payload = write_intent(intent)
    work.connection.execute(
        "UPDATE intent SET kind = ?, payload = ? WHERE number = ? AND outcome IS NULL",
        (kind, payload, row),
    )
    work.intents_changed()


def postpone(work: Work, row: int, problem: str) -> None:
    work.connection.execute(
        "UPDATE intent SET attempts = attempts + 1, problem = ?"
        " WHERE number = ? AND outcome IS NULL",
        (problem, row),
    )
    work.intents_changed()


def settle(work: Work, row: int, outcome: Outcome) -> bool:
    """End the intent; false if it has ended already."""
    settled = work.connection.execute(
        "UPDATE intent SET outcome = ?, problem = '' WHERE number = ? AND outcome IS NULL",
        (_write_outcome(outcome), row),
    )
    work.intents_changed()
    return bool(settled.rowcount)


def pending_edits(work: Work) -> tuple[EditDirect, ...]:
    """Pending edits of ``m.direct``, in order."""
    if work.edits is None:
        rows: Sequence[tuple[str, str]] = work.connection.execute(
            "SELECT kind, payload FROM intent WHERE outcome IS NULL AND kind = 'EditDirect'"
            " ORDER BY number"
        ).fetchall()
        intents = (read_intent(kind, payload) for kind, payload in rows)
        work.edits = tuple(intent for intent in intents if isinstance(intent, EditDirect))
    return work.edits
