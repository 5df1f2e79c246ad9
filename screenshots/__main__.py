"""Draw the screenshots: the real app on the demo's homeserver, as SVG.

python -m screenshots             # the pictures
python -m screenshots recording   # the animated one
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

from PIL import Image, ImageDraw, ImageOps
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from dmtui.core.direct import read_direct
from dmtui.core.model import Media, RoomId, UserId
from dmtui.core.ports import Progress
from dmtui.core.settings import BODIES
from dmtui.core.verification import Phase
from dmtui.demo.coast import coast
from dmtui.messenger.messenger import Messenger
from dmtui.ui.screens.attach_file import AttachFile
from dmtui.ui.screens.confirm import Question
from dmtui.ui.screens.conversation import ConversationPane
from dmtui.ui.screens.doctor import Doctor
from dmtui.ui.screens.encryption import EncryptionScreen
from dmtui.ui.screens.image_viewer import ImageViewer
from dmtui.ui.screens.keep_key import KeepKey
from dmtui.ui.screens.own_profile import MyProfile
from dmtui.ui.screens.person_card import PersonCard
from dmtui.ui.screens.recovery_steps import NewPassphrase
from dmtui.ui.screens.requests_list import RequestsList
from dmtui.ui.screens.search import SearchScreen
from dmtui.ui.screens.settings import SettingsScreen
from dmtui.ui.widgets.invite_prompt import InvitePrompt
from dmtui.ui.widgets.people_list import PeopleList
from screenshots.recording import record
from screenshots.stage import perform

HERE = Path(__file__).parent
PATIENCE = 60.0  # seconds
SIZE = (100, 30)
LARGE = (1920, 1280)  # pixels
DARK = "textual-dark"
VARIANTS = (
    ("light", "textual-light", SIZE),
    ("80x24", DARK, (80, 24)),
    ("160x48", DARK, (160, 48)),
)


class Photographer:
    """Waits for what is to be seen and takes the picture."""

    def __init__(self, pilot: Pilot[None]):
        self._pilot = pilot
        self.app = pilot.app

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for what the homeserver and the contacts do."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await self._pilot.pause(0.05)

    async def press(self, *keys: str) -> None:
        """Press keys, the last of which opens or changes something."""
        await self._pilot.press(*keys)
        await self._pilot.pause(0.3)

    async def type(self, text: str) -> None:
        """Press the keys of the text."""
        await self.press(*("space" if c == " " else c for c in text))

    async def command(self, title: str) -> None:
        """Run the command of this title from the palette."""
        await self.press("ctrl+p")
        await self.type(title)
        await self._pilot.pause(0.7)
        await self.press("enter")

    async def shoot(self, name: str) -> None:
        """Write the picture, once nothing moves any more and no notice covers anything."""
        await self._pilot.pause(0.5)
        await self.until(lambda: not self.app.screen.query("Toast"))
        svg = self.app.export_screenshot(title="dmtui").replace(
            "<text ", '<text xml:space="preserve" '
        )
        (HERE / f"{name}.svg").write_text(svg, encoding="utf-8")

    async def shoot_all(self, name: str) -> None:
        """As the README shows it, in the light theme, in a small and in a large terminal."""
        await self.shoot(name)
        for suffix, theme, size in VARIANTS:
            self.app.theme = theme
            await self._pilot.resize_terminal(*size)
            await self.shoot(f"{name}-{suffix}")
        self.app.theme = DARK
        await self._pilot.resize_terminal(*SIZE)
        await self._pilot.pause(0.3)


class Tour:
    """Goes through the demo, from one thing worth a picture to the next."""

    def __init__(self, pilot: Pilot[None], messenger: Messenger):
        self._camera = Photographer(pilot)
        self._pilot = pilot
        self._messenger = messenger
        self._screen = pilot.app.screen
        self._people = self._screen.query_one(PeopleList)
        self._pane = self._screen.query_one(ConversationPane)

    async def take(self) -> None:
        """All pictures."""
        await self._look()
        await self._ask()
        await self._talk()
        await self._start()
        await self._picture()
        await self._attach()
        await self._merge()
        await self._card()
        await self._introduce()
        await self._encrypt()
        await self._verify()
        await self._examine()
        await self._set()
        await self._pilot.resize_terminal(60, 20)
        await self._camera.shoot("small")

    async def _open(self, name: str) -> None:
        names = [str(row.name) for row in self._people.rows]
        await self._camera.press(f"alt+{names.index(name) + 1}")
        await self._camera.until(lambda: self._pane.person is not None)

    async def _talk(self) -> None:
        """An encrypted conversation with answers."""
        camera, people, pane = self._camera, self._people, self._pane
        await camera.until(lambda: any(row.name == "Erin" and row.unread for row in people.rows))
        await self._open("Erin")
        for line in ("Can I tell you a secret?", "I have never liked web browsers."):
            said = len(pane.reading.messages)
            await camera.type(line)
            await camera.press("enter")
            await camera.until(lambda said=said: len(pane.reading.messages) >= said + 2)  # type: ignore[misc]
        await self._write(len(pane.reading.messages))
        await camera.shoot_all("conversation")
        await self._find()

    async def _write(self, said: int) -> None:
        """Formatted text, a reaction, a reply, and its correction."""
        camera, pane = self._camera, self._pane
        await camera.type("My *whole* recipe:")
        recipe = ("- 500 g **flour**, see https://flour.example", "- ||a spoon of honey||")
        for line in (*recipe, "Will you keep it to yourself?"):
            await camera.press("ctrl+j")
            await camera.type(line)
        await camera.press("enter")
        await camera.until(lambda: len(pane.reading.messages) >= said + 2)
        await camera.press("up", "plus")
        await camera.shoot_all("reaction")
        await camera.press("1")
        await camera.until(lambda: pane.reading.messages[-1].reactions)
        await camera.press("r")
        await camera.type("Bring some on Friday!")
        await camera.shoot_all("reply")
        await camera.press("enter")
        await camera.until(lambda: len(pane.reading.messages) >= said + 4)
        await camera.press("up", "up", "e", "end")
        await camera.type(" At *six*?")
        await camera.shoot_all("edit")
        await camera.press("enter")
        await camera.until(lambda: pane.reading.messages[-2].edited)

    async def _find(self) -> None:
        """A word in all chats, and in this one."""
        camera, app = self._camera, self._pilot.app
        await camera.press("f5")
        await camera.until(lambda: isinstance(app.screen, SearchScreen))
        await camera.type("you")
        await self._pilot.pause(1.0)
        await camera.shoot_all("search")
        await camera.press("escape")
        await camera.press("ctrl+f")
        await camera.type("you")
        await self._pilot.pause(1.0)
        await camera.shoot("find")
        await camera.press("escape")

    async def _look(self) -> None:
        """People, and the prompt of the first request."""
        camera, people = self._camera, self._people
        await camera.until(lambda: len(people.rows) >= 3)
        await camera.shoot("people")
        await camera.until(lambda: people.requests)
        await camera.press("f6")
        await camera.until(lambda: self._screen.query_one(InvitePrompt).has_focus)
        await camera.shoot_all("request")
        await camera.press("l")

    async def _ask(self) -> None:
        """The list of several requests."""
        camera, people = self._camera, self._people
        await camera.until(lambda: len(people.requests) == 2)
        await camera.press("f6")
        await camera.until(lambda: isinstance(self._pilot.app.screen, RequestsList))
        await camera.shoot_all("requests")
        await camera.press("l", "escape")

    async def _start(self) -> None:
        camera = self._camera
        await camera.press("ctrl+n", *"fr")
        await self._pilot.pause(1.5)
        await camera.shoot("start-chat")
        await camera.press("escape")
        await camera.press("f1")
        await camera.shoot("keys")
        await camera.press("escape")

    async def _picture(self) -> None:
        """An image in the conversation, and on the whole screen."""
        camera, pane = self._camera, self._pane
        await self._open("Carol")
        await camera.until(lambda: any(each.preview for each in pane.reading.messages))
        await camera.shoot_all("image")
        await camera.press("up", "up", "v")
        await camera.until(lambda: isinstance(self._pilot.app.screen, ImageViewer))
        await camera.shoot_all("viewer")
        await camera.press("escape", "escape")

    async def _attach(self) -> None:
        """An image on its way: chosen, agreed to, and half uploaded."""
        camera, app, pane = self._camera, self._pilot.app, self._pane
        homeserver = await self._messenger.homeserver()
        arrived, upload = asyncio.Event(), homeserver.upload

        async def half(
            room_id: RoomId, file: str, media: Media, encrypted: bool, progress: Progress
        ) -> Media:
            if media.width == LARGE[0]:  # not its thumbnail
                total = media.size or 0
                for done in (0.3, 0.6):
                    await asyncio.sleep(0.5)
                    progress(round(done * total), total)
                await arrived.wait()
            return await upload(room_id, file, media, encrypted, progress)

        with self._files(), patch.object(homeserver, "upload", half):
            await camera.press("ctrl+t")
            await camera.until(lambda: isinstance(app.screen, AttachFile))
            await camera.type("eve")
            await camera.press("tab", "full_stop", "tab", "tab")
            await camera.type("It was worth the wait")
            await camera.shoot_all("attach")
            await camera.press("enter")
            await camera.until(lambda: isinstance(app.screen, Question))
            await camera.shoot("send")
            await camera.press("s")
            await camera.until(lambda: (m := pane.reading.messages[-1]).transfer and m.preview)
            await self._pilot.pause(1.5)
            await camera.shoot_all("upload")
            arrived.set()
            await camera.until(lambda: pane.reading.messages[-1].event_id)

    @contextlib.contextmanager
    def _files(self) -> Iterator[None]:
        """A directory to choose files from."""
        with tempfile.TemporaryDirectory() as directory, contextlib.chdir(directory):
            taken = ImageOps.mirror(Image.open(io.BytesIO(coast())))
            taken.resize(LARGE).save("evening.png")
            Path("evening plans.txt").touch()
            yield

    async def _merge(self) -> None:
        """One person with a room that was upgraded and its successor."""
        await self._open("Bob")
        await self._camera.shoot_all("merged")

    async def _card(self) -> None:
        await self._camera.command("person card")
        await self._camera.until(lambda: isinstance(self._pilot.app.screen, PersonCard))
        await self._pilot.pause(1.5)
        await self._camera.shoot_all("card")
        await self._camera.press("w")
        await self._camera.shoot("why")
        await self._camera.press("escape")

    async def _introduce(self) -> None:
        """My profile, with a picture and a status."""
        camera, app, profile = self._camera, self._pilot.app, self._messenger.own_profile
        with tempfile.TemporaryDirectory() as directory:
            await profile.set_picture(landscape(Path(directory) / "picture.png"))
        await profile.set_status("baking bread")
        await camera.command("my profile")
        await camera.until(lambda: isinstance(app.screen, MyProfile))
        await self._pilot.pause(2.5)
        await camera.shoot_all("profile")
        await camera.press("escape")

    async def _encrypt(self) -> None:
        """The account's encryption before it is set up, its recovery key, and after."""
        camera, app, care = self._camera, self._pilot.app, self._messenger.encryption
        await camera.command("encryption")
        await camera.until(lambda: isinstance(app.screen, EncryptionScreen))
        await camera.until(lambda: care.known is not None and care.device is not None)
        await camera.shoot("set-up")
        await camera.press("s")
        await camera.until(lambda: isinstance(app.screen, NewPassphrase))
        await camera.press("enter")
        await camera.until(lambda: isinstance(app.screen, KeepKey))
        await camera.shoot("recovery-key")
        last = str(app.screen.query_one("#key", Static).content).split()[-1]
        await camera.press("w", *last, "enter")
        await camera.until(lambda: isinstance(app.screen, EncryptionScreen))
        await camera.until(lambda: care.known is not None and not care.known.unkept_key)
        await camera.press("escape")
        await self._backed_up()
        await camera.command("encryption")
        await camera.until(lambda: isinstance(app.screen, EncryptionScreen))
        await camera.shoot_all("encryption")
        await camera.press("escape")

    async def _backed_up(self) -> None:
        """Wait until the key backup has all keys."""
        while (await self._messenger.recovery.state()).to_back_up:
            await self._pilot.pause(0.5)

    async def _verify(self) -> None:
        """Comparing pictures with somebody, and their card with an identity that was compared."""
        camera, app, desk = self._camera, self._pilot.app, self._messenger.verification
        await self._open("Erin")
        await camera.command("verify each other")
        await camera.until(lambda: (one := desk.current()) and one.phase is Phase.COMPARING)
        await camera.shoot_all("verify")
        await camera.press("m")
        await camera.until(lambda: desk.current() is None)
        await camera.press("escape")
        await camera.command("person card")
        await camera.until(lambda: isinstance(app.screen, PersonCard))
        await self._pilot.pause(1.5)
        await camera.shoot_all("verified")
        await camera.press("escape")

    async def _examine(self) -> None:
        """What the doctor says of a list that other clients have been at."""
        homeserver = await self._messenger.homeserver()
        content = dict(await homeserver.account_data("m.direct") or {})
        rooms = read_direct(content)
        alice, bob = rooms[UserId("@alice:localhost")], rooms[UserId("@bob:localhost")]
        content["@alice:localhost"] = [*alice, *alice, bob[0]]
        content["carol"] = content.pop("@carol:localhost")
        content["@nobody:localhost"] = ["!long-gone:localhost"]
        del content["@erin:localhost"]
        await homeserver.set_account_data("m.direct", content)
        await self._camera.command("doctor")
        await self._camera.until(lambda: isinstance(self._pilot.app.screen, Doctor))
        found = self._pilot.app.screen.query_one("#findings", OptionList)
        await self._camera.until(lambda: found.option_count)
        await self._camera.shoot_all("doctor")
        await self._camera.press("escape")

    async def _set(self) -> None:
        """The settings, at what notifications quote."""
        await self._camera.press("f2")
        await self._camera.until(lambda: isinstance(self._pilot.app.screen, SettingsScreen))
        rows = self._pilot.app.screen.query_one(OptionList)
        await self._camera.until(lambda: rows.option_count)
        rows.highlighted = rows.get_option_index(BODIES.name)
        await self._camera.shoot_all("settings")
        await self._camera.press("escape")


def landscape(path: Path) -> Path:
    """Draw a picture that is told from others at sixteen pixels."""
    side = 256
    picture = Image.new("RGB", (side, side))
    draw = ImageDraw.Draw(picture)
    for row in range(side):
        draw.line((0, row, side, row), fill=(40 + row // 3, 90 + row // 3, 190 - row // 4))
    draw.ellipse((150, 36, 218, 104), fill=(255, 214, 102))
    draw.polygon(((0, 256), (0, 180), (90, 90), (200, 256)), fill=(46, 64, 87))
    draw.polygon(((100, 256), (190, 150), (256, 210), (256, 256)), fill=(47, 109, 90))
    picture.save(path)
    return path


def main() -> None:
    """Take the tour, or record the film."""
    parser = argparse.ArgumentParser(prog="python -m screenshots", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("pictures", "recording"), default="pictures")
    if parser.parse_args().what == "recording":
        record()
        return
    perform(lambda pilot, messenger: Tour(pilot, messenger).take(), SIZE)


if __name__ == "__main__":
    main()
