"""How dmtui's user is seen in Element, and Element's user here."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import Image

from dmtui.core.model import Availability, Pixels
from tests.homeserver.dmtui_account import DmtuiAccount, user
from tests.interop.peer import Element
from tests.interop.setting import chat, either_way, on_one_worker

pytestmark = on_one_worker


async def test_picture_chosen_here_is_seen_in_element_until_it_is_removed(
    dmtui: DmtuiAccount, bob: Element, tmp_path: Path
) -> None:
    await chat(dmtui, bob)
    Image.new("RGB", (900, 600), "#2f6db5").save(tmp_path / "me.png")
    outcome = await dmtui.messenger.own_profile.set_picture(tmp_path / "me.png")
    assert outcome is not None
    assert outcome.ok
    await bob.profile(dmtui.account, picture=True)
    content = await bob.picture(dmtui.account)
    assert content is not None
    with Image.open(BytesIO(content)) as shown:
        assert (shown.format, shown.size) == ("JPEG", (512, 341))
    await dmtui.messenger.own_profile.remove_picture()
    await bob.profile(dmtui.account, picture=False)
    assert await bob.picture(dmtui.account) is None


async def test_picture_chosen_in_element_is_shown_on_the_card(
    dmtui: DmtuiAccount, bob: Element
) -> None:
    await chat(dmtui, bob)
    picture = BytesIO()
    Image.new("RGB", (64, 64), "#00ff00").save(picture, "PNG")
    await bob.set_picture(picture.getvalue(), "image/png")
    news = await dmtui.messenger.cards.ask(user(bob.account))
    shown = await dmtui.messenger.cards.face(user(bob.account), news, 4)
    assert shown == Pixels(4, 4, b"\x00\xff\x00" * 16)


@either_way
async def test_presence_chosen_here_is_seen_in_element(dmtui: DmtuiAccount, bob: Element) -> None:
    await chat(dmtui, bob)
    profile = dmtui.messenger.own_profile
    await profile.set_presence(Availability.ONLINE)
    await bob.profile(dmtui.account, presence="online")
    await profile.set_status("baking bread")
    await bob.profile(dmtui.account, presence="online", status="baking bread")
    await profile.set_presence(Availability.UNAVAILABLE)
    await bob.profile(dmtui.account, presence="unavailable", status="baking bread")
    await profile.set_presence(Availability.OFFLINE)
    await bob.profile(dmtui.account, presence="offline")
