"""The border against ordinary, odd and hostile events."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmtui.core.attachments import LONGEST_BODY
from dmtui.core.events import (
    Edit,
    Line,
    MembershipChange,
    Reaction,
    Redaction,
    RoomUpdate,
    TimelineEvent,
    Undecryptable,
)
from dmtui.core.invites import judge_invite
from dmtui.core.model import (
    Attachment,
    AttachmentKind,
    EventId,
    FileKey,
    Json,
    JsonObject,
    Kind,
    Media,
    Membership,
    RoomId,
    Safe,
    UserId,
)
from dmtui.core.names import clean, clean_line
from dmtui.matrix.account_news import ignored_users, listed_rooms
from dmtui.matrix.room_news import RawRoom, receipts, room_update, service_members, typing
from dmtui.matrix.stripped import stripped_invite
from dmtui.matrix.translate import Translator, member, undecryptable
from dmtui.matrix.values import mapping

ROOM = RoomId("!room")
ME = UserId("@me:x")
TARGET = "$target"


def locked(_: RoomId, raw: JsonObject) -> Undecryptable:
    return undecryptable(raw, "no key")


def opened(plain: JsonObject) -> Translator:
    return Translator(ME, lambda room, raw: plain)


LOCKED = Translator(ME, locked)


def raw(kind: str, content: object, **more: object) -> Any:
    return {
        "type": kind,
        "event_id": "$e",
        "sender": "@bob:x",
        "origin_server_ts": 5,
        "content": content,
        **more,
    }


def message(body: object, msgtype: object = "m.text", **more: object) -> Any:
    return raw("m.room.message", {"msgtype": msgtype, "body": body, **more})


def content_of(event: Any) -> object:
    found = LOCKED.event(ROOM, event)
    return found.content if found else None


def line_of(event: Any) -> Line:
    found = content_of(event)
    assert isinstance(found, Line)
    return found


def nested(depth: int) -> Any:
    value: Any = "deep"
    for _ in range(depth):
        value = [value]
    return value


# -- messages ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("msgtype", "kind"),
    [("m.text", Kind.TEXT), ("m.notice", Kind.NOTICE), ("m.emote", Kind.EMOTE)],
)
def test_spoken_message_keeps_its_text(msgtype: str, kind: Kind) -> None:
    found = LOCKED.event(ROOM, message("hello\nyou", msgtype))

    assert found == TimelineEvent(
        EventId("$e"), UserId("@bob:x"), 5, Line(kind, clean("hello\nyou"))
    )


def test_escape_sequences_do_not_pass() -> None:
    line = line_of(message("\x1b]52;c;aGk=\x07\x9b31m\u202eevil"))

    assert not any(character in line.body for character in "\x1b\x07\x9b\u202e")


@pytest.mark.parametrize(
    ("msgtype", "content", "shown"),
    [
        ("m.image", {"body": "cat.png"}, "image: cat.png"),
        ("m.file", {"body": "a\nb", "filename": "x\x1b.pdf"}, "file: x\u241b.pdf\na\nb"),
        ("m.audio", {"body": "song.ogg", "filename": "song.ogg"}, "audio: song.ogg"),
        ("m.video", {"body": "v.mp4"}, "video: v.mp4"),
        ("m.location", {"body": "geo"}, "location: geo"),
        ("m.file", {"body": "a.pdf", "info": {"size": 1234567}}, "file: a.pdf (1.2 MB)"),
        (
            "m.image",
            {"body": "i", "info": {"w": 800, "h": 600, "size": 999}},
            "image: i (800\xd7600, 999 bytes)",
        ),
        (
            "m.video",
            {"body": "v", "info": {"duration": 3_723_000, "w": 1, "h": 1}},
            "video: v (1:02:03)",
        ),
        ("m.file", {"body": "a", "info": {"size": "big", "duration": -1, "w": {}}}, "file: a"),
        (
            "m.audio",
            {
                "body": "Voice message.ogg",
                "info": {"duration": 12_345},
                "org.matrix.msc3245.voice": {},
            },
            "voice message, 0:12",
        ),
        (
            "m.audio",
            {"body": "v", "org.matrix.msc1767.audio": {"duration": 400}, "m.voice": {}},
            "voice message, 0:01",
        ),
        ("m.audio", {"body": "v", "m.voice": {}}, "voice message"),
        (
            "m.location",
            {"body": "Home", "geo_uri": "geo:51.5,-0.12;u=35"},
            "location: Home (51.5, -0.12)",
        ),
        ("m.location", {"body": "Home", "m.location": {"uri": "geo:1,2"}}, "location: Home (1, 2)"),
        ("m.location", {"body": "Home", "geo_uri": "geo:\x1b,2"}, "location: Home"),
    ],
)
def test_attachment_is_named(msgtype: str, content: JsonObject, shown: str) -> None:
    event = raw("m.room.message", {"msgtype": msgtype, **content})

    assert line_of(event) == Line(Kind.ATTACHMENT, clean(shown))


KEY: JsonObject = {"kty": "oct", "alg": "A256CTR", "k": "k" * 43, "key_ops": [], "ext": True}
SEALED_FILE: JsonObject = {
    "v": "v2",
    "url": "mxc://example.org/abc",
    "key": KEY,
    "iv": "i" * 22,
    "hashes": {"sha256": "h" * 43 + "="},
}


def attached(**content: Any) -> Attachment | None:
    return line_of(message("name", "m.image", **content)).attachment


def test_plain_and_encrypted_file_are_kept_with_their_facts() -> None:
    info = {"size": 5, "mimetype": "image/PNG; x=y", "w": 8, "h": 6, "duration": 7}
    info_too = {"thumbnail_url": "mxc://example.org/t", "thumbnail_info": {"w": 2, "h": 1}}
    plain = attached(url="mxc://example.org/abc", info={**info, **info_too}, filename="cat.png")
    media = Media("mxc://example.org/abc", None, 5, "image/png", 8, 6)
    small = Media("mxc://example.org/t", width=2, height=1)
    image = AttachmentKind.IMAGE
    assert plain == Attachment(image, Safe("cat.png"), media, small, 7, Safe("name"))
    sealed = attached(file=SEALED_FILE)
    assert sealed is not None
    assert sealed.media.key == FileKey("k" * 43, "i" * 22, "h" * 43)
    assert "kkk" not in repr(sealed)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"url": "https://example.org/a"},
        {"url": "mxc://example.org/../../etc"},
        {"url": "mxc://example.org/a?b"},
        {"url": "mxc:///a"},
        {"url": 5},
        {"url": "mxc://example.org/a\x1b"},
        {"file": {**SEALED_FILE, "v": "v1"}},
        {"file": {**SEALED_FILE, "key": {**KEY, "alg": "none"}}},
        {"file": {**SEALED_FILE, "key": {**KEY, "k": "short"}}},
        {"file": {**SEALED_FILE, "iv": ["i"]}},
        {"file": {**SEALED_FILE, "hashes": {}}},
        {"file": {}, "url": "mxc://example.org/abc"},
    ],
)
def test_file_that_nobody_could_fetch_is_only_named(content: JsonObject) -> None:
    line = line_of(message("cat", "m.image", **content))
    assert line == Line(Kind.ATTACHMENT, Safe("image: cat"))


@pytest.mark.parametrize(
    ("kind", "content", "shown"),
    [
        ("m.room.message", {"msgtype": "org.x", "body": "b"}, "org.x: b"),
        (
            "m.room.message",
            {"msgtype": "m.key.verification.request", "body": "b"},
            "asks to verify each other",
        ),
        ("m.call.invite", {}, "a call"),
        ("m.poll.start", {"m.poll": {"question": {"m.text": [{"body": "Tea?"}]}}}, "poll: Tea?"),
        (
            "m.poll.start",
            {
                "m.poll": {
                    "question": {
                        "m.text": [{"mimetype": "text/html", "body": "<b>"}, {"body": "T?"}]
                    },
                    "answers": [{"m.text": [{"body": "yes\nno"}]}, {"m.text": []}, 5],
                }
            },
            "poll: T?\n\u2022 yes no",
        ),
        (
            "org.matrix.msc3381.poll.start",
            {
                "org.matrix.msc3381.poll.start": {
                    "question": {"org.matrix.msc1767.text": "Tea?", "body": "Tea?"},
                    "answers": [{"id": "1", "org.matrix.msc1767.text": "Yes"}, {"body": "No"}],
                }
            },
            "poll: Tea?\n\u2022 Yes\n\u2022 No",
        ),
        ("m.poll.start", {}, "poll: "),
        ("net.example.thing", {}, "net.example.thing"),
        ("net.example.thing", {"body": "in words"}, "net.example.thing: in words"),
        ("net.example.thing", {"m.text": [{"body": "in words"}]}, "net.example.thing: in words"),
        ("m.room.message", {"msgtype": "m.text", "body": 5}, "a message that can't be read"),
        ("m.room.message", {"msgtype": [], "body": "b"}, "a message that can't be read"),
    ],
)
def test_what_can_not_be_shown_is_named(kind: str, content: JsonObject, shown: str) -> None:
    assert line_of(raw(kind, content)) == Line(Kind.OTHER, clean(shown))


@pytest.mark.parametrize(
    "kind",
    ["m.call.candidates", "m.key.verification.start", "m.poll.response", "org.matrix.x", "", 5],
)
def test_machinery_makes_no_line(kind: Any) -> None:
    assert content_of(raw(kind, {})) is None


def test_state_makes_no_line_except_members() -> None:
    assert content_of(raw("m.room.topic", {"topic": "t"}, state_key="")) is None
    assert content_of(raw("m.room.encrypted", {"session_id": "s"}, state_key="")) is None
    assert content_of(raw("m.room.message", {"body": "b"}, state_key="")) is None


def test_reply_loses_its_quotation() -> None:
    relation = {"m.in_reply_to": {"event_id": TARGET}}
    event = message(
        "> <@a:x> one\n> two\n\nanswer\n> mine",
        **{
            "m.relates_to": relation,
            "format": "org.matrix.custom.html",
            "formatted_body": "<mx-reply>old</mx-reply><b>answer</b>",
        },
    )

    line = line_of(event)

    assert (line.body, line.reply_to) == ("answer\n> mine", TARGET)
    assert line.formatted == "<b>answer</b>"
    assert line_of(message("> not a reply")).body == "> not a reply"


def test_message_in_a_thread_is_no_reply() -> None:
    relation = {
        "rel_type": "m.thread",
        "event_id": TARGET,
        "is_falling_back": True,
        "m.in_reply_to": {"event_id": TARGET},
    }

    assert line_of(message("hi", **{"m.relates_to": relation})).reply_to is None


def test_edit_brings_the_new_line() -> None:
    edit = {
        "m.new_content": {"msgtype": "m.emote", "body": "new"},
        "m.relates_to": {"rel_type": "m.replace", "event_id": TARGET},
    }

    assert content_of(message("* new", **edit)) == Edit(
        EventId(TARGET), Line(Kind.EMOTE, clean("new"))
    )


@pytest.mark.parametrize("new", [None, [], "x", 5])
def test_edit_without_content_is_a_plain_message(new: Any) -> None:
    edit = {
        "m.new_content": new,
        "m.relates_to": {"rel_type": "m.replace", "event_id": TARGET},
    }

    assert line_of(message("* new", **edit)).body == "* new"


def test_redaction_is_found_in_both_places() -> None:
    expected = Redaction(EventId(TARGET))

    assert content_of(raw("m.room.redaction", {"redacts": TARGET})) == expected
    assert content_of(raw("m.room.redaction", {}, redacts=TARGET)) == expected
    assert content_of(raw("m.room.redaction", {})) is None


def test_redacted_message_stays_as_a_line_and_the_rest_goes() -> None:
    because: Any = {"unsigned": {"redacted_because": {"type": "m.room.redaction"}}}

    assert line_of(raw("m.room.message", {}, **because)).kind is Kind.REDACTED
    assert line_of(raw("m.room.encrypted", {}, **because)).kind is Kind.REDACTED
    assert line_of(raw("m.room.message", {})).kind is Kind.REDACTED
    assert content_of(raw("m.reaction", {}, **because)) is None


def test_reaction_needs_target_and_key() -> None:
    relation = {"rel_type": "m.annotation", "event_id": TARGET, "key": "👍"}

    assert content_of(raw("m.reaction", {"m.relates_to": relation})) == Reaction(
        EventId(TARGET), clean("👍")
    )
    for broken in ({"key": ""}, {"key": 5}, {"event_id": "x"}, {"rel_type": None}):
        assert content_of(raw("m.reaction", {"m.relates_to": {**relation, **broken}})) is None


def test_member_event_tells_before_and_after() -> None:
    event = raw(
        "m.room.member",
        {"membership": "join", "displayname": "B\x1bb", "is_direct": "yes"},
        state_key="@bob:x",
        unsigned={"prev_content": {"membership": "invite"}},
    )

    change = content_of(event)

    assert isinstance(change, MembershipChange)
    assert change.previous is Membership.INVITE
    assert change.member.name == clean_line("B\x1bb")
    assert not change.member.is_direct


@pytest.mark.parametrize(
    ("membership", "name"), [("leave", "Bob"), ("ban", "Bob"), ("join", ""), ("invite", "")]
)
def test_who_has_left_goes_by_the_last_name(membership: str, name: str) -> None:
    former = {"prev_content": {"membership": "join", "displayname": "Bob"}}
    found = member(
        raw(
            "m.room.member",
            {"membership": membership},
            state_key="@bob:example.org",
            unsigned=former,
        )
    )
    assert found is not None
    assert found.name == name


def test_transaction_is_believed_of_own_messages_only() -> None:
    event = {**message("x"), "unsigned": {"transaction_id": "t"}}

    mine, theirs = LOCKED.event(ROOM, {**event, "sender": ME}), LOCKED.event(ROOM, event)

    assert mine is not None
    assert theirs is not None
    assert (mine.transaction_id, theirs.transaction_id) == ("t", None)


# -- encrypted --------------------------------------------------------------------------------

ENCRYPTED = raw("m.room.encrypted", {"session_id": "s", "ciphertext": "c"})


def test_event_without_key_keeps_all_that_is_needed_to_try_again() -> None:
    found = LOCKED.event(ROOM, ENCRYPTED)

    assert found is not None
    assert isinstance(found.content, Undecryptable)
    assert found.content.session_id == "s"
    assert json.loads(found.content.raw) == ENCRYPTED
    assert found.encrypted


def test_plaintext_is_read_like_a_message() -> None:
    plain: JsonObject = {"type": "m.room.message", "content": {"msgtype": "m.text", "body": "hi"}}

    found = opened(plain).event(ROOM, ENCRYPTED)

    assert found is not None
    assert found.content == Line(Kind.TEXT, clean("hi"))
    assert found.encrypted


def test_relation_outside_the_ciphertext_counts() -> None:
    relation = {"rel_type": "m.annotation", "event_id": TARGET, "key": "x"}
    event = raw("m.room.encrypted", {"session_id": "s", "m.relates_to": relation})

    found = opened({"type": "m.reaction", "content": {}}).event(ROOM, event)

    assert found is not None
    assert found.content == Reaction(EventId(TARGET), clean("x"))


@pytest.mark.parametrize(
    "plain",
    [
        {"type": "m.room.redaction", "content": {"redacts": TARGET}},
        {"type": "m.room.encrypted", "content": {}},
        {"type": "m.room.member", "state_key": "@me:x", "content": {"membership": "leave"}},
        {"type": 5, "content": []},
        {},
    ],
)
def test_plaintext_can_not_play_server(plain: JsonObject) -> None:
    found = opened(plain).event(ROOM, ENCRYPTED)

    assert found is not None
    assert isinstance(found.content, Line)
    assert found.content.kind is Kind.OTHER


# -- hostile ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "broken",
    [
        {"event_id": None},
        {"event_id": "e"},
        {"event_id": "$\ud800"},
        {"event_id": "$" + "e" * 300},
        {"event_id": "$a\x1bb"},
        {"sender": 5},
        {"sender": "bob"},
        {"sender": "@bob"},
        {"sender": "@bo b:x"},
    ],
)
def test_event_without_identity_is_dropped_alone(broken: JsonObject) -> None:
    good = message("kept")
    listed = [None, 5, "x", [], {**good, **broken}, good]

    assert len(LOCKED.events(ROOM, listed)) == 1


@pytest.mark.parametrize("listed", [None, 5, {}, "events", True])
def test_no_list_is_an_empty_one(listed: object) -> None:
    assert LOCKED.events(ROOM, listed) == ()


@pytest.mark.parametrize("when", [None, True, "5", 1.5, -1, 2**63, 10**400])
def test_impossible_time_is_zero(when: Any) -> None:
    found = LOCKED.event(ROOM, {**message("x"), "origin_server_ts": when})

    assert found is not None
    assert found.sent_at == 0


def test_long_texts_are_cut() -> None:
    assert len(line_of(message("x" * 10**6)).body) <= LONGEST_BODY
    assert len(line_of(message("x", "m" * 10**6)).body) <= LONGEST_BODY
    assert len(line_of(raw("y" * 10**6, {})).body) < 1000
    event = raw(
        "m.room.member", {"membership": "join", "displayname": "n" * 5000}, state_key="@b:x"
    )
    change = content_of(event)
    assert isinstance(change, MembershipChange)
    assert len(change.member.name) < 1000


@pytest.mark.parametrize("depth", [900, 100_000])
def test_deep_nesting_costs_the_event_alone(depth: int) -> None:
    content = {"session_id": "s", "ciphertext": nested(depth)}

    found = LOCKED.events(ROOM, [raw("m.room.encrypted", content), message("kept")])

    assert len(found) == 2
    assert found[1].content == Line(Kind.TEXT, clean("kept"))


def test_quotation_of_any_shape_is_stripped_in_no_time() -> None:
    relation = {"m.in_reply_to": {"event_id": TARGET}}
    html = {"format": "org.matrix.custom.html", "formatted_body": "<mx-reply>" * 6000}
    began = time.process_time()

    for body in ("> " * 30_000, ">\n" * 30_000, "> x\n" * 16_000 + ">"):
        line_of(message(body, **{"m.relates_to": relation}, **html))

    assert time.process_time() - began < 2


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=8)
    | st.sampled_from(["m.text", "m.replace", TARGET, "@a:x", "join", "!r", "\ud800", "\x1b"]),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.text(max_size=4) | st.sampled_from(["body", "m.read"]), children)
    ),
    max_leaves=8,
)
CONTENT = st.dictionaries(
    st.sampled_from(
        [
            "body", "msgtype", "format", "formatted_body", "filename", "m.relates_to",
            "m.new_content", "redacts", "membership", "displayname", "session_id", "event_id",
            "rel_type", "key", "m.in_reply_to", "name", "type", "replacement_room",
            "service_members", "nonce", "user_ids", "ignored_users", "m.poll", "join_rule",
        ]
    ),
    JSON,
)  # fmt: skip
KINDS = st.sampled_from(
    [
        "m.room.message", "m.room.encrypted", "m.room.member", "m.reaction", "m.room.redaction",
        "m.sticker", "m.poll.start", "m.room.create", "m.room.name", "m.room.tombstone",
        "io.element.functional_members", "io.github.dmtui.nonce", "m.room.topic", "x.y",
        "m.room.join_rules", "m.room.canonical_alias", "m.room.avatar",
    ]
)  # fmt: skip
EVENT = st.fixed_dictionaries(
    {"type": KINDS, "event_id": st.just("$e") | JSON, "sender": st.just("@b:x") | JSON},
    optional={
        "content": CONTENT | JSON,
        "state_key": st.sampled_from(["", "@me:x", "@b:x"]) | JSON,
        "unsigned": JSON | st.fixed_dictionaries({}, optional={"prev_content": CONTENT | JSON}),
        "origin_server_ts": JSON,
        "redacts": JSON,
    },
)


def storable(value: object) -> None:
    """SQLite takes it: no lone surrogates, no integer beyond 64 bits."""
    repr(value).encode("utf-8")


def check(event: TimelineEvent) -> None:
    assert 0 <= event.sent_at <= 2**53
    match event.content:
        case Line(body=body, formatted=formatted):
            assert clean(body) == body
            formatted.encode("utf-8")
        case Edit(line=line):
            assert clean(line.body) == line.body
            line.formatted.encode("utf-8")
        case Reaction(key=key):
            assert clean_line(key) == key
        case Undecryptable(session_id=session, raw=text):
            text.encode("utf-8")
            session.encode("utf-8")
        case MembershipChange(member=member):
            assert clean_line(member.name) == member.name
        case Redaction(target=target):
            target.encode("utf-8")


@settings(deadline=None, max_examples=100)
@given(st.lists(EVENT, max_size=4), CONTENT)
def test_any_event_is_clean_or_dropped(events: list[Any], plain: Any) -> None:
    for translator in (LOCKED, opened({"type": "m.room.message", "content": plain})):
        for event in translator.events(ROOM, events):
            check(event)


@settings(deadline=None, max_examples=70)
@given(st.lists(EVENT, max_size=6), JSON, CONTENT)
async def test_any_room_makes_an_update(events: list[Any], value: Any, content: Any) -> None:
    room = RawRoom(ROOM, timeline=events, after=events, receipts=mapping(value))

    update = await room_update(room, LOCKED)

    assert isinstance(update, RoomUpdate)
    storable((update.name, update.members, update.receipts, update.service_members))
    storable((update.successor, update.nonce, update.created_at))
    storable((typing(content), listed_rooms(content), ignored_users(content)))


@settings(deadline=None, max_examples=70)
@given(st.lists(EVENT, max_size=6))
def test_any_stripped_state_makes_an_invite_that_can_be_declined(events: list[Any]) -> None:
    invite = judge_invite(stripped_invite(ROOM, events, ME), (), 1)

    assert invite.room_id == ROOM
    assert clean_line(invite.room_name) == invite.room_name
    storable(invite)


# -- rooms ------------------------------------------------------------------------------------


async def test_state_after_the_timeline_holds_over_the_timeline() -> None:
    joined = raw("m.room.member", {"membership": "join"}, state_key="@bob:x")
    left = raw("m.room.member", {"membership": "leave"}, state_key="@bob:x")

    update = await room_update(RawRoom(ROOM, timeline=[joined], after=[left]), LOCKED)

    assert [one.membership for one in update.members] == [Membership.LEAVE]
    assert [type(one.content) for one in update.timeline] == [MembershipChange]


async def test_cleared_name_is_told_as_empty() -> None:
    cleared = raw("m.room.name", {}, state_key="")

    assert (await room_update(RawRoom(ROOM, after=[cleared]), LOCKED)).name == ""
    assert (await room_update(RawRoom(ROOM), LOCKED)).name is None


async def test_nonce_of_somebody_else_is_no_nonce() -> None:
    theirs = raw("io.github.dmtui.nonce", {"nonce": "n"}, state_key="")

    assert (await room_update(RawRoom(ROOM, after=[theirs]), LOCKED)).nonce is None
    mine = {**theirs, "sender": ME}
    assert (await room_update(RawRoom(ROOM, after=[mine]), LOCKED)).nonce == "n"


def test_service_members_may_be_nested() -> None:
    content: JsonObject = {"service_members": ["@a:x", ["@b:x", 5], {"c": 1}, "nobody"]}

    assert service_members(content) == frozenset({UserId("@a:x"), UserId("@b:x")})


def test_receipt_of_a_thread_tells_nothing_of_the_room() -> None:
    content: JsonObject = {
        "$a": {"m.read": {"@b:x": {"ts": 1, "thread_id": "$root"}, "@c:x": {"ts": 2}}},
        "$b": {"m.read.private": {"@me:x": {"ts": 3, "thread_id": "main"}}},
    }

    assert [(one.user_id, one.event_id) for one in receipts(content)] == [
        ("@c:x", "$a"),
        ("@me:x", "$b"),
    ]


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        (
            "m.mismatched_sas",
            "Verification failed. The two sides did not see the same: somebody may be in between.",
        ),
        ("m.user", None),
        ({}, None),
    ],
    ids=str,
)
def test_a_verification_that_failed_alarmingly_stays_in_the_conversation(
    code: Json, shown: str | None
) -> None:
    plain: JsonObject = {"type": "m.key.verification.cancel", "content": {"code": code}}
    raw: JsonObject = {**plain, "event_id": "$e", "sender": "@bob:x", "origin_server_ts": 1}
    found = LOCKED.event(ROOM, raw)
    encrypted = opened(plain).event(ROOM, {**raw, "type": "m.room.encrypted", "content": {"a": 1}})
    for event in (found, encrypted):
        assert (event.content if event else None) == (shown and Line(Kind.OTHER, clean(shown)))
