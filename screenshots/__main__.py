"""Draw the screenshots: the real app on the demo's homeserver, as SVG, the front one as PNG, too.

python -m screenshots
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from dmtui.compose import Account
from dmtui.demo.demo import demo
from dmtui.matrix.sign_in import sign_in_with_password
from dmtui.profile import ProfilePaths
from dmtui.session import save_session
from dmtui.ui.app import DmtuiApp
from dmtui.ui.screens.conversation import ConversationPane
from dmtui.ui.widgets.invite_prompt import InvitePrompt
from dmtui.ui.widgets.people_list import PeopleList

HERE = Path(__file__).parent
FRONT = "conversation"  # the README shows it, as PNG
PATIENCE = 60.0  # seconds


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

    async def shoot(self, name: str) -> None:
        """Write the picture, once nothing moves any more."""
        await self._pilot.pause(0.5)
        svg = self.app.export_screenshot(title="dmtui").replace(
            "<text ", '<text xml:space="preserve" '
        )
        (HERE / f"{name}.svg").write_text(svg, encoding="utf-8")


async def tour(pilot: Pilot[None]) -> None:
    """People, a conversation with an answer, a request, Start Chat, keys, a small terminal."""
    camera = Photographer(pilot)
    screen = pilot.app.screen
    people, pane = screen.query_one(PeopleList), screen.query_one(ConversationPane)
    await camera.until(lambda: len(people.rows) >= 3)
    await camera.shoot("people")
    await camera.until(lambda: any(row.name == "Erin" and row.unread for row in people.rows))
    names = [str(row.name) for row in people.rows]
    await pilot.press(f"alt+{names.index('Erin') + 1}")
    await camera.until(lambda: pane.person is not None)
    for line in ("Can I tell you a secret?", "I have never liked web browsers."):
        said = len(pane.timeline_messages)
        await pilot.press(*line, "enter")
        await camera.until(lambda said=said: len(pane.timeline_messages) >= said + 2)  # type: ignore[misc]
    await camera.shoot("conversation")
    await camera.until(lambda: people.requests)
    await pilot.press("f6")
    await camera.until(lambda: screen.query_one(InvitePrompt).has_focus)
    await camera.shoot("request")
    await pilot.press("l", "ctrl+n", *"fr")
    await pilot.pause(1.5)
    await camera.shoot("start-chat")
    await pilot.press("escape", "f1")
    await camera.shoot("keys")
    await pilot.press("escape")
    await pilot.resize_terminal(60, 20)
    await camera.shoot("small")


def main() -> None:
    """Run the demo, take the tour, leave."""
    with demo() as here:
        paths = ProfilePaths.named().inside(here.directory)
        save_session(paths, here.session)
        with contextlib.closing(Account(paths)) as account:
            app = DmtuiApp(
                messenger=account.saved(),
                open_messenger=account.signed_in,
                sign_in=sign_in_with_password,
                demo=True,
            )
            asyncio.run(take(app))
    if converter := shutil.which("rsvg-convert"):
        picture = HERE / f"{FRONT}.svg"
        subprocess.run([converter, "-o", picture.with_suffix(".png"), picture], check=True)


async def take(app: DmtuiApp) -> None:
    """Open the app without a terminal and photograph it."""
    async with app.run_test(size=(100, 30)) as pilot:
        await tour(pilot)
        await app.leave().wait()


if __name__ == "__main__":
    main()
