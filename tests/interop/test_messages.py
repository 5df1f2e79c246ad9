"""Messages of every kind between dmtui and Element, and what people are called, read and ignore."""

from __future__ import annotations

from dmtui.core.formatted import read
from dmtui.core.markup import Look, mentions
from dmtui.core.model import AttachmentKind, Kind, Message
from dmtui.core.slash import Said, meaning
from tests.homeserver.account import Json
from tests.homeserver.dmtui_account import DmtuiAccount, user
from tests.homeserver.synapse import SynapseServer
from tests.interop.peer import Element, Seen
from tests.interop.setting import (
    OpenElement,
    another_element,
    both,
    chat_as,
    on_one_worker,
)

pytestmark = on_one_worker

POLL = {
    "question": {"org.matrix.msc1767.text": "Which cake?", "body": "Which cake?"},
    "kind": "org.matrix.msc3381.poll.disclosed",
    "max_selections": 1,
    "answers": [
        {"id": "1", "org.matrix.msc1767.text": "Plum"},
        {"id": "2", "org.matrix.msc1767.text": "Apple"},
    ],
}
SAID: tuple[tuple[str, Json, Kind, str], ...] = (
    ("m.room.message", {"msgtype": "m.emote", "body": "waves"}, Kind.EMOTE, "waves"),
    ("m.room.message", {"msgtype": "m.notice", "body": "beep"}, Kind.NOTICE, "beep"),
    (
        "m.room.message",
        {"msgtype": "m.location", "body": "The mill", "geo_uri": "geo:52.5,13.4;u=10"},
        Kind.ATTACHMENT,
        "location: The mill (52.5, 13.4)",
    ),
    (
        "org.matrix.msc3381.poll.start",
        {"org.matrix.msc3381.poll.start": POLL, "org.matrix.msc1767.text": "Which cake?"},
        Kind.OTHER,
        "poll: Which cake?\n\u2022 Plum\n\u2022 Apple",
    ),
    (
        "org.example.wave",
        {"body": "waves with both hands"},
        Kind.OTHER,
        "org.example.wave: waves with both hands",
    ),
    (
        "m.room.message",
        {"msgtype": "org.example.dance", "body": "dances"},
        Kind.OTHER,
        "org.example.dance: dances",
    ),
)
"""Type and content as Element sends it, and as what it is read here."""

HTML = (
    "<blockquote><p>what <em>you</em> said</p></blockquote>"
    "<ol><li>one</li><li>two</li></ol>"
    '<pre><code class="language-python">x = 1\n</code></pre>'
    '<p><a href="https://matrix.to/#/{me}">Alice</a>, see <a href="https://flour.example">it</a>:'
    ' <span data-mx-spoiler="">honey</span></p>'
)
TYPED = "> you *said*\n\n1. one\n\n[it](https://flour.example) ||honey||\n\n```python\nx = 1\n```"
FORMATTED = (
    "<blockquote>\n<p>you <em>said</em></p>\n</blockquote>\n<ol>\n<li>one</li>\n</ol>\n"
    '<p><a href="https://flour.example">it</a> <span data-mx-spoiler="">honey</span></p>\n'
    '<pre><code class="language-python">x = 1\n</code></pre>'
)


async def got(dmtui: DmtuiAccount, bob: Element, body: str) -> Message:
    """The message with this text, once it is here."""

    def found() -> list[Message]:
        return [m for m in dmtui.messages(bob.account) if m.body == body]

    await dmtui.until(found)
    return found()[0]


@both
async def test_what_is_said_in_element_is_read_here(
    dmtui: DmtuiAccount, bob: Element, encrypted: bool
) -> None:
    room_id = await chat_as(dmtui, bob, encrypted)
    for event_type, content, kind, body in SAID:
        await bob.say(room_id, {**content, "m.mentions": {}}, event_type)
        message = await got(dmtui, bob, body)
        assert (message.kind, message.encrypted) == (kind, encrypted)
    more = {"msgtype": "m.audio", "org.matrix.msc3245.voice": {}}
    more["info"] = {"duration": 61_000, "size": 4, "mimetype": "audio/ogg"}
    await bob.send_file(room_id, "Voice message.ogg", b"OggS", "audio/ogg", more=more)
    voice = await got(dmtui, bob, "voice message, 1:01")
    assert voice.attachment is not None
    assert voice.attachment.kind is AttachmentKind.VOICE
    saved = await dmtui.messenger.saving.save(user(bob.account), voice)
    assert saved.read_bytes() == b"OggS"


@both
async def test_formatting_mention_and_spoiler_of_element_are_read_here(
    dmtui: DmtuiAccount, bob: Element, encrypted: bool
) -> None:
    room_id = await chat_as(dmtui, bob, encrypted)
    content: Json = {"msgtype": "m.text", "body": "much", "format": "org.matrix.custom.html"}
    content |= {"formatted_body": HTML.format(me=dmtui.me)}
    content |= {"m.mentions": {"user_ids": [dmtui.me]}}
    await bob.say(room_id, content)
    message = await got(dmtui, bob, "much")
    document = read(message.formatted, message.body)
    assert document is not None
    assert [(block.first, block.text) for block in document] == [
        ("\u2502 ", "what you said"),
        ("1. ", "one"),
        ("2. ", "two"),
        ("", "x = 1"),
        ("", "@Alice, see it (flour.example): honey"),
    ]
    assert mentions(document) == {dmtui.me}
    assert [s.text for s in document[-1].spans if Look.SPOILER in s.look] == ["honey"]


@both
async def test_answer_with_the_quotation_of_older_clients_is_read_without_it(
    dmtui: DmtuiAccount, bob: Element, encrypted: bool
) -> None:
    room_id = await chat_as(dmtui, bob, encrypted)
    await dmtui.messenger.send(user(bob.account), "question")
    asked = await bob.message(room_id, body="question", readable=True)
    content: Json = {"msgtype": "m.text", "body": f"> <{dmtui.me}> question\n\nmy **answer**"}
    content |= {"format": "org.matrix.custom.html"}
    content["formatted_body"] = (
        f'<mx-reply><blockquote><a href="https://matrix.to/#/{room_id}/{asked.id}">In reply to</a> '
        f"<br>question</blockquote></mx-reply>my <strong>answer</strong>"
    )
    content |= {"m.relates_to": {"m.in_reply_to": {"event_id": asked.id}}}
    await bob.say(room_id, content)
    message = await got(dmtui, bob, "my **answer**")
    assert message.formatted == "my <strong>answer</strong>"
    assert message.quote is not None
    assert (message.quote.body, message.quote.own) == ("question", True)


@both
async def test_what_is_typed_here_is_in_element_what_it_is_meant_to_be(
    dmtui: DmtuiAccount, bob: Element, encrypted: bool
) -> None:
    room_id = await chat_as(dmtui, bob, encrypted)

    async def said(typed: str, body: str) -> Seen:
        meant = meaning(typed)
        assert isinstance(meant, Said)
        await dmtui.messenger.send(user(bob.account), meant)
        seen = await bob.message(room_id, body=body, readable=True)
        assert seen.encrypted is encrypted
        return seen

    assert (await said("/me waves", "waves")).content["msgtype"] == "m.emote"
    assert (await said("/notice beep", "beep")).content["msgtype"] == "m.notice"
    plain = await said("/plain as *it* is", "as *it* is")
    assert (plain.content["msgtype"], plain.formatted) == ("m.text", None)
    assert (await said(TYPED, TYPED)).formatted == FORMATTED
    pill = await said("@Bob: look", "@Bob: look")
    assert pill.formatted == f'<a href="https://matrix.to/#/{bob.me}">Bob</a>: look'
    assert pill.mentions == (bob.me,)


async def test_reading_is_told_both_ways(dmtui: DmtuiAccount, bob: Element) -> None:
    room_id = await chat_as(dmtui, bob, encrypted=True)
    theirs = await bob.send(room_id, "read me")
    await got(dmtui, bob, "read me")
    assert (await bob.message(room_id, event_id=theirs)).readers == ()
    await dmtui.messenger.mark_read(user(bob.account))
    await bob.message(room_id, event_id=theirs, readers=[dmtui.me])
    await dmtui.messenger.send(user(bob.account), "and me")
    mine = await bob.message(room_id, body="and me", readable=True)
    assert not dmtui.messages(bob.account)[-1].read_by_peer
    await bob.read(room_id, mine.id)
    await dmtui.until(lambda: dmtui.messages(bob.account)[-1].read_by_peer)


async def test_names_that_people_give_themselves_are_seen_both_ways(
    dmtui: DmtuiAccount, bob: Element
) -> None:
    room_id = await chat_as(dmtui, bob, encrypted=True)
    assert (await dmtui.messenger.own_profile.set_name("Alice B.")) is not None
    await bob.room(room_id, names={dmtui.me: "Alice B."})
    await bob.set_name("Robert")
    await dmtui.until(lambda: (c := dmtui.conversation(bob.account)) and c.name == "Robert")


async def test_ignored_people_are_the_same_in_my_element(
    dmtui: DmtuiAccount, synapse: SynapseServer, open_element: OpenElement
) -> None:
    mine = await another_element(dmtui, synapse, open_element)
    carol, dave = synapse.register(), synapse.register()
    requests = dmtui.messenger.requests
    await requests.ignore(user(carol))
    await mine.ignored(**{carol.user_id: True})
    await mine.ignore(carol, dave)
    await dmtui.until(lambda: set(requests.ignored()) == {carol.user_id, dave.user_id})
    await requests.stop_ignoring(user(carol))
    await dmtui.until(lambda: requests.ignored() == (dave.user_id,))
    await mine.ignore()
    await dmtui.until(lambda: requests.ignored() == ())
