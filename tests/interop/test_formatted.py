"""Formatted text between dmtui and Element."""

from __future__ import annotations

from dmtui.core.formatted import read
from tests.homeserver.dmtui_account import DmtuiAccount, user
from tests.interop.peer import Element
from tests.interop.setting import chat, on_one_worker

pytestmark = on_one_worker


async def test_formatted_text_from_element_is_read_here(dmtui: DmtuiAccount, bob: Element) -> None:
    room_id = await chat(dmtui, bob)
    html = (
        "<p>so <strong>bold</strong>, "
        f'<a href="https://matrix.to/#/{dmtui.me}">Alice</a></p>\n<ul>\n<li>one</li>\n</ul>\n'
    )
    await bob.send(room_id, "so **bold**, Alice\n\n- one", html)
    await dmtui.until(lambda: dmtui.bodies(bob.account))
    message = dmtui.messages(bob.account)[-1]
    assert message.encrypted
    document = read(message.formatted, message.body)
    assert document is not None
    assert [(block.first, block.text) for block in document] == [
        ("", "so bold, @Alice"),
        ("\u2022 ", "one"),
    ]


async def test_markdown_typed_here_is_formatted_in_element(
    dmtui: DmtuiAccount, bob: Element
) -> None:
    room_id = await chat(dmtui, bob)
    typed = f"{bob.me}, **look**: ||it|| `works`"
    await dmtui.messenger.send(user(bob.account), typed)
    seen = await bob.message(room_id, body=typed, readable=True)
    assert seen.formatted == (
        f'<a href="https://matrix.to/#/{bob.me}">{bob.me}</a>, <strong>look</strong>: '
        '<span data-mx-spoiler="">it</span> <code>works</code>'
    )
    assert seen.mentions == (bob.me,)
    await dmtui.messenger.send(user(bob.account), "plain")
    assert (await bob.message(room_id, body="plain", readable=True)).formatted is None
