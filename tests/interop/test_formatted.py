"""Formatted text between dmtui and Element."""

from __future__ import annotations

from dmtui.core.formatted import read
from tests.homeserver.dmtui_account import DmtuiAccount
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
