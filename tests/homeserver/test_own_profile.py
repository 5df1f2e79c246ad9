"""My profile and the pictures of others on real homeservers, hostile ones included."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from dmtui.core.model import Availability, JsonObject, Pixels
from dmtui.matrix import own_presence, sync
from dmtui.messenger.cards import News
from dmtui.messenger.faces import LARGEST
from dmtui.messenger.introducing import UNSEEN
from tests.homeserver.account import Account, http_json
from tests.homeserver.dmtui_account import DmtuiAccount, user
from tests.homeserver.faultproxy import FaultProxy
from tests.homeserver.launcher import Launcher
from tests.homeserver.setting import Setting, locally
from tests.homeserver.synapse import SynapseServer
from tests.pictures.test_sandbox import png_of

SIDE = 4


def upload(account: Account, content: bytes) -> str:
    url = f"{account.base_url}/_matrix/media/v3/upload"
    answer = http_json("POST", url, content, account.access_token)
    return str(answer["content_uri"])


def show_as(account: Account, uri: str) -> None:
    account.api("PUT", f"v3/profile/{account.user_id}/avatar_url", {"avatar_url": uri})


def picture(colour: str) -> bytes:
    content = BytesIO()
    Image.new("RGB", (300, 200), colour).save(content, "PNG")
    return content.getvalue()


async def news_of(dmtui: DmtuiAccount, bob: Account) -> News:
    return await dmtui.messenger.cards.ask(user(bob))


async def test_picture_of_a_person_is_fetched_wherever_they_live(
    dmtui: DmtuiAccount, bob: Account, setting: Setting
) -> None:
    await dmtui.befriend(bob)
    await asyncio.to_thread(lambda: show_as(bob, upload(bob, picture("#ff0000"))))
    news = await news_of(dmtui, bob)
    for _ in range(2):
        found = await dmtui.messenger.cards.face(user(bob), news, SIDE)
        assert found == Pixels(SIDE, SIDE, b"\xff\x00\x00" * SIDE * SIDE)
    downloads = [one for one in setting.proxy.log if "/media/" in one.path]
    assert [one.path.partition("/download/")[0] for one in downloads] == [
        "/_matrix/client/v1/media"  # asked once, by name and with my token
    ]


@locally
async def test_hostile_pictures_are_not_shown_and_do_no_harm(
    dmtui: DmtuiAccount, bob: Account, setting: Setting
) -> None:
    await dmtui.befriend(bob)
    contents = [b"<html>", png_of(10_000, 10_000), bytes(LARGEST + 1), picture("red")[:60]]
    uris = [await asyncio.to_thread(upload, bob, content) for content in contents]
    server = bob.user_id.partition(":")[2]
    tricks = (
        f"mxc://{server}/nothing",
        f"mxc://{server}/../../../v3/logout",
        "mxc://../config",
        f"mxc://{server}/%2e%2e%2fconfig",
        "https://evil.example/picture.png",
        "file:///etc/passwd",
        "\x1b]0;gotcha\x07",
    )
    for uri in (*uris, *tricks):
        await asyncio.to_thread(show_as, bob, uri)
        news = await news_of(dmtui, bob)
        assert await dmtui.messenger.cards.face(user(bob), news, SIDE) is None, uri
    asked = {one.path for one in setting.proxy.log if "/media/" in one.path}
    genuine = {uri.removeprefix("mxc://") for uri in (*uris, tricks[0])}
    assert asked == {f"/_matrix/client/v1/media/download/{name}" for name in genuine}
    assert (await asyncio.to_thread(dmtui.account.api, "GET", "v3/account/whoami"))["user_id"]


@locally
async def test_stranger_who_invites_me_is_not_looked_at(
    dmtui: DmtuiAccount, bob: Account, setting: Setting
) -> None:
    await asyncio.to_thread(lambda: show_as(bob, upload(bob, picture("#ff0000"))))
    await asyncio.to_thread(bob.create_dm, dmtui.account)
    await dmtui.until(dmtui.messenger.invites)
    news = await news_of(dmtui, bob)
    assert await dmtui.messenger.cards.face(user(bob), news, SIDE) is None
    assert not [one for one in setting.proxy.log if "/media/" in one.path]


@locally
async def test_picture_chosen_while_the_homeserver_was_away_is_set_after_a_restart(
    dmtui: DmtuiAccount, setting: Setting, tmp_path: Path
) -> None:
    Image.new("RGB", (900, 600), "#2f6db5").save(tmp_path / "me.png")
    cut = setting.proxy.add(path="/media/v3/upload", status=502)
    profile = dmtui.messenger.own_profile
    assert await profile.set_picture(tmp_path / "me.png") is None
    await asyncio.to_thread((tmp_path / "me.png").unlink)
    await dmtui.stop()
    cut.times = 0
    await dmtui.start()
    await dmtui.until(lambda: not dmtui.store.pending_intents())
    seen = await dmtui.messenger.own_profile.seen()
    shown = await dmtui.messenger.faces.picture(seen.profile.avatar, 1)
    assert shown is not None
    assert all(abs(a - b) < 8 for a, b in zip(shown.rgb, b"\x2f\x6d\xb5", strict=True))


# -- presence -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def forgetful(launcher: Launcher) -> Iterator[SynapseServer]:
    """A server that forgets within seconds whoever does not go on saying that they are there."""
    config: JsonObject = {"presence": {"sync_online_timeout": "1s"}}
    with SynapseServer(launcher, config=config) as server:
        yield server


def presence_of(account: Account) -> tuple[str, str]:
    answer = account.api("GET", f"v3/presence/{account.user_id}/status")
    return answer["presence"], answer.get("status_msg", "")


SOON = 7.0
"""Seconds: Synapse looks every five whom to forget, and overlooks who spoke just before."""


def say_once(account: Account) -> None:
    path = f"v3/presence/{account.user_id}/status"
    account.api("PUT", path, {"presence": "unavailable"})


@pytest.mark.parametrize("sliding", [True, False])
async def test_presence_chosen_lasts_for_as_long_as_dmtui_runs(
    forgetful: SynapseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sliding: bool
) -> None:
    for module in (own_presence, sync):
        monkeypatch.setattr(module, "RENEWAL", 0.3)
    me, carol = forgetful.register(), forgetful.register()
    with FaultProxy(forgetful.base_url) as proxy:
        if not sliding:
            unknown = {"errcode": "M_UNRECOGNIZED", "error": "?"}
            proxy.add(path="simplified_msc3575", status=404, body=unknown)
        dmtui = DmtuiAccount(me, tmp_path / "device", proxy.base_url)
        await dmtui.start()
        await dmtui.messenger.own_profile.set_status("baking bread")
        await dmtui.messenger.own_profile.set_presence(Availability.UNAVAILABLE)
        seen = set()
        async with asyncio.timeout(40):
            said = 0.0
            while not said or (await asyncio.to_thread(presence_of, carol))[0] != "offline":
                if time.monotonic() > said + SOON:
                    await asyncio.to_thread(say_once, carol)
                    said = time.monotonic()
                seen.add(await asyncio.to_thread(presence_of, me))
        assert seen == {("unavailable", "baking bread")}  # while who said so once was forgotten
        if not sliding:  # whose sync the server misses by itself
            await dmtui.messenger.own_profile.set_presence(None)
        await dmtui.stop()
        assert await asyncio.to_thread(presence_of, me) == ("offline", "baking bread")


async def test_server_that_keeps_no_presence_is_told_of(launcher: Launcher, tmp_path: Path) -> None:
    config: JsonObject = {"presence": {"enabled": False}}
    with SynapseServer(launcher, config=config) as server:
        dmtui = DmtuiAccount(server.register(), tmp_path / "device")
        await dmtui.start()
        outcome = await dmtui.messenger.own_profile.set_presence(Availability.ONLINE)
        assert outcome is not None
        assert (outcome.ok, outcome.message) == (False, UNSEEN)
        assert dmtui.messenger.own_profile.presence is Availability.ONLINE  # kept all the same
        await dmtui.stop()
