"""Files between dmtui and Element's own stack, encrypted and plain."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

from PIL import Image

from dmtui.core.images import USUAL_LIMIT
from dmtui.core.model import AttachmentKind, Kind, Message, Pixels, SendState
from tests.homeserver.dmtui_account import DmtuiAccount, user
from tests.interop.peer import Element
from tests.interop.setting import both, chat_as, on_one_worker

pytestmark = on_one_worker

CONTENT = bytes(range(256)) * 700


def files(dmtui: DmtuiAccount, bob: Element) -> list[Message]:
    return [m for m in dmtui.messages(bob.account) if m.kind is Kind.ATTACHMENT]


@both
async def test_file_sent_in_element_is_saved_here(
    dmtui: DmtuiAccount, bob: Element, encrypted: bool
) -> None:
    room_id = await chat_as(dmtui, bob, encrypted)
    await bob.send_file(room_id, "Grüße.pdf", CONTENT, "application/pdf", caption="look at this")
    await dmtui.until(lambda: files(dmtui, bob))
    (message,) = files(dmtui, bob)
    assert message.body == "file: Grüße.pdf (179 kB)\nlook at this"
    assert message.attachment is not None
    assert (message.attachment.media.key is not None) is encrypted
    saved = await dmtui.messenger.saving.save(user(bob.account), message)
    assert await asyncio.to_thread(saved.read_bytes) == CONTENT


@both
async def test_picture_sent_here_is_read_in_element_with_its_thumbnail(
    dmtui: DmtuiAccount, bob: Element, tmp_path: Path, encrypted: bool
) -> None:
    room_id = await chat_as(dmtui, bob, encrypted)
    picture = tmp_path / "noise.png"
    Image.effect_noise((1000, 500), 90).save(picture)
    offer = await dmtui.messenger.attaching.offer(picture)
    await dmtui.messenger.attach(user(bob.account), offer, "some noise")
    await dmtui.until(lambda: [m.state for m in files(dmtui, bob)] == [SendState.SENT])
    (sent,) = files(dmtui, bob)
    assert sent.event_id is not None
    read = await bob.read_file(room_id, sent.event_id)
    assert read.content == await asyncio.to_thread(picture.read_bytes)
    assert read.encrypted is encrypted
    message = read.message
    assert (message["msgtype"], message["filename"]) == ("m.image", "noise.png")
    assert message["body"] == "some noise"
    assert (message["info"]["w"], message["info"]["h"]) == (1000, 500)
    small = await bob.read_file(room_id, sent.event_id, thumbnail=True)
    assert small.content.startswith(b"\xff\xd8")
    assert small.encrypted is encrypted
    assert sent.attachment is not None
    assert sent.attachment.kind is AttachmentKind.IMAGE


@both
async def test_file_answers_a_message_both_ways(
    dmtui: DmtuiAccount, bob: Element, tmp_path: Path, encrypted: bool
) -> None:
    room_id = await chat_as(dmtui, bob, encrypted)
    question = await bob.send(room_id, "where is it?")
    await dmtui.until(lambda: dmtui.bodies(bob.account)[-1:] == ["where is it?"])
    asked = dmtui.messages(bob.account)[-1]
    plan = tmp_path / "plan.txt"
    plan.write_bytes(CONTENT)
    offer = await dmtui.messenger.attaching.offer(plan)
    await dmtui.messenger.attach(user(bob.account), offer, "", asked.key)
    mine = await bob.message(room_id, body="plan.txt", reply=question)
    await bob.send_file(room_id, "route.txt", CONTENT, "text/plain", reply=mine.id)
    await dmtui.until(lambda: len(files(dmtui, bob)) == 2)
    quote = files(dmtui, bob)[-1].quote
    assert quote is not None
    assert (quote.body, quote.own) == ("file: plan.txt (179 kB)", True)


@both
async def test_picture_sent_in_element_has_its_preview_here(
    dmtui: DmtuiAccount, bob: Element, tmp_path: Path, encrypted: bool
) -> None:
    room_id = await chat_as(dmtui, bob, encrypted)
    small = io.BytesIO()
    Image.new("RGB", (80, 40), (255, 0, 0)).save(small, "PNG")
    noise = io.BytesIO()
    Image.effect_noise((1200, 1200), 90).save(noise, "PNG")
    assert len(noise.getvalue()) > USUAL_LIMIT
    await bob.send_file(
        room_id, "noise.png", noise.getvalue(), "image/png", thumbnail=small.getvalue()
    )
    await dmtui.until(lambda: files(dmtui, bob))
    conversation = dmtui.conversation(bob.account)
    assert conversation is not None
    dmtui.messenger.previews.want(conversation, files(dmtui, bob))
    await dmtui.until(lambda: files(dmtui, bob)[0].preview)
    assert files(dmtui, bob)[0].preview == Pixels(40, 20, b"\xff\x00\x00" * 40 * 20)
