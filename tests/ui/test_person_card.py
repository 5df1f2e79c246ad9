"""The person card: the store's part at once, the server's when it answers, and the keys on it."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from textual.content import Content
from textual.widgets import Static

from dmtui.core.errors import Forbidden, NotFound, Unreachable
from dmtui.core.events import RoomUpdate, SyncBatch
from dmtui.core.model import (
    Availability,
    Member,
    Membership,
    PersonDevice,
    Presence,
    Profile,
    Safe,
    UserId,
)
from dmtui.core.trust import IdentityState
from dmtui.messenger.cards import News
from dmtui.messenger.faces import LARGEST
from dmtui.ui.screens.card_lines import ASKING, Line, in_words, laid_out, link_to, spaced
from dmtui.ui.screens.face_lines import SIDE
from dmtui.ui.screens.person_acts import PERSON_ACTS
from dmtui.ui.screens.person_card import PersonCard
from tests.fakes import BOB, CAROL
from tests.pictures.test_sandbox import png_of

if TYPE_CHECKING:
    from rich.segment import Segment

    from tests.ui.stage import Stage

FINGERPRINT = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"


async def have_bob(stage: Stage) -> None:
    stage.server.profiles[BOB] = Profile(BOB, Safe("Robert"))
    stage.server.presences[BOB] = Presence(
        Availability.UNAVAILABLE, Safe("reading"), active_ago=300_000
    )
    stage.server.devices[BOB] = (PersonDevice("PHONE", Safe("Bob's phone"), FINGERPRINT),)
    await stage.server.have_direct_room(BOB, "Bob", encrypted=True)


async def open_card(stage: Stage, user_id: UserId = BOB, key: str = "i") -> None:
    await stage.until(lambda: stage.row(user_id))
    stage.people.focus()
    await stage.pilot.pause()
    await stage.pilot.press(key)
    await stage.until(lambda: isinstance(stage.app.screen, PersonCard))


@pytest.mark.parametrize("size", [(60, 20), (160, 48)])
async def test_card_shows_all_that_is_known_by_keyboard_alone(
    stage: Stage, size: tuple[int, int]
) -> None:
    await have_bob(stage)
    async with stage.open(size) as pilot:
        await open_card(stage)
        await stage.until(lambda: ASKING not in stage.text())
        seen = stage.text()
        await pilot.press("end")
        await stage.until(stage.shows("written to"))
        seen += stage.text()
        for words in (
            "Robert",
            BOB,
            f"matrix.to/#/{BOB}",
            "active 5 minutes ago: reading",
            "Shared rooms 1",
            "Bob's phone",
            "abcd efgh ijkl",
            "none: their app",
            "as the homeserver lists it",
            "both there, encrypted",
            "not pinned, not muted, not archived",
        ):
            assert words in seen, words
        await pilot.press("escape")
        await stage.until(lambda: not isinstance(stage.app.screen, PersonCard))


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)])
async def test_every_key_of_the_card_is_shown(stage: Stage, size: tuple[int, int]) -> None:
    await have_bob(stage)
    async with stage.open(size):
        await open_card(stage)
        for words in ("Enter Write", "w Why", "l Link", "m Mute", "p Pin", "a Archive", "v Verify"):
            await stage.until(stage.shows(words))
        await stage.until(stage.shows("Del Leave"))
        await stage.messenger.contacts.turn_pin(BOB)
        await stage.messenger.contacts.mute(BOB, True, 0)
        await stage.until(stage.shows("m Hear again"))
        await stage.until(stage.shows("p Unpin"))
        await stage.messenger.contacts.turn_archive(BOB)
        await stage.until(stage.shows("a Unarchive"))
        await stage.until(stage.shows("Del Leave"))


async def test_name_that_says_it_all_is_shown_once(stage: Stage) -> None:
    stage.server.profiles[BOB] = Profile(BOB, Safe("Bob"))
    await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open():
        await open_card(stage)
        await stage.until(lambda: ASKING not in stage.text())
        assert "Known as" not in stage.text()
        await stage.messenger.contacts.rename(BOB, "Dad")
        await stage.until(stage.shows("Known as"))


HALF = "\u2580"


def portrait(colour: str) -> bytes:
    content = BytesIO()
    Image.new("RGB", (300, 200), colour).save(content, "PNG")
    return content.getvalue()


def half_blocks(stage: Stage) -> list[Segment]:
    strips = stage.app.screen._compositor.render_strips()
    return [segment for strip in strips for segment in strip if HALF in segment.text]


async def test_picture_of_a_person_stands_on_their_card(stage: Stage) -> None:
    await have_bob(stage)
    stored = stage.server.store_file(portrait("#ff0000"))
    stage.server.profiles[BOB] = Profile(BOB, Safe("Robert"), stored.uri)
    async with stage.open() as pilot:
        await open_card(stage)
        await stage.until(lambda: half_blocks(stage))
        assert len(stage.text().split(HALF)) - 1 == 16 * 8
        style = half_blocks(stage)[0].style
        assert style is not None
        assert style.color is not None
        assert style.color.triplet is not None
        assert style.color.triplet.hex == "#ff0000"
        await pilot.press("w")
        await stage.until(lambda: not half_blocks(stage))
        await pilot.press("escape")
        await open_card(stage)
        await stage.until(lambda: half_blocks(stage))
        assert stage.server.count("download") == 1  # it is kept


@pytest.mark.parametrize("way", ["missing", "too large", "no picture", "bomb", "nothing"])
async def test_picture_that_can_not_be_had_leaves_the_initials(stage: Stage, way: str) -> None:
    await have_bob(stage)
    contents = {
        "too large": bytes(LARGEST + 1),
        "no picture": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "bomb": png_of(10_000, 10_000),
    }
    uri = "mxc://example.org/missing"
    if way in contents:
        uri = stage.server.store_file(contents[way]).uri
    elif way == "nothing":
        uri = ""
    stage.server.profiles[BOB] = Profile(BOB, Safe("Robert"), uri)
    async with stage.open() as pilot:
        for _ in range(2):
            await open_card(stage)
            await stage.until(lambda: ASKING not in stage.text())
            await stage.until(lambda: stage.server.count("download") == (way != "nothing"))
            assert await stage.messenger.faces.picture(uri, SIDE) is None
            assert not half_blocks(stage)
            assert " Bo " in stage.text().splitlines()[5]
            await pilot.press("escape")
            await stage.until(lambda: stage.app.screen is stage.main)
        assert stage.server.count("download") == (way != "nothing")  # not asked for again


async def test_picture_of_somebody_ignored_is_not_fetched(stage: Stage) -> None:
    await have_bob(stage)
    stored = stage.server.store_file(portrait("#ff0000"))
    stage.server.profiles[BOB] = Profile(BOB, Safe("Robert"), stored.uri)
    await stage.server.set_account_data("m.ignored_user_list", {"ignored_users": {BOB: {}}})
    async with stage.open():
        await stage.until(lambda: stage.messenger.cards.card(BOB).ignored)
        news = News(stage.server.profiles[BOB], "", "", "")
        assert await stage.messenger.cards.face(BOB, news, SIDE) is None
        assert stage.server.count("download") == 0


async def test_picture_of_a_stranger_who_invites_me_is_not_fetched(stage: Stage) -> None:
    stored = stage.server.store_file(portrait("#ff0000"))
    stage.server.profiles[CAROL] = Profile(CAROL, Safe("Carol"), stored.uri)
    await have_bob(stage)
    await stage.server.invite(CAROL, "Carol", direct=True)
    async with stage.open() as pilot:
        await stage.until(lambda: stage.messenger.invites())
        await pilot.press("f6", "m")
        news = News(stage.server.profiles[CAROL], "", "", "")
        assert await stage.messenger.cards.face(CAROL, news, SIDE) is None
        assert stage.server.count("download") == 0


@pytest.mark.parametrize("size", [(60, 20), (100, 30)])
async def test_card_in_a_narrow_terminal_or_read_aloud_has_no_face(
    stage: Stage, size: tuple[int, int]
) -> None:
    await have_bob(stage)
    async with stage.open(size, plain=size == (100, 30)):
        await open_card(stage)
        await stage.until(lambda: ASKING not in stage.text())
        assert " Bo " not in str(stage.app.screen.query_one("#lines", Static).content)


async def test_store_part_is_there_while_the_server_is_silent(stage: Stage) -> None:
    await have_bob(stage)
    gate = stage.server.hold("presence")
    async with stage.open((100, 40)):
        await open_card(stage)
        await stage.until(stage.shows("written to"))
        assert ASKING in stage.text()
        gate.set()
        await stage.until(stage.shows("active 5 minutes ago"))
        assert ASKING not in stage.text()


async def test_each_part_that_is_not_told_says_why(stage: Stage) -> None:
    await have_bob(stage)
    stage.server.fail("presence", Forbidden("No.", 403, "M_FORBIDDEN"))
    stage.server.fail("shared_rooms", NotFound("Unrecognized.", 404, "M_UNRECOGNIZED"))
    stage.server.fail("trust_of", Unreachable("The homeserver does not answer."))
    async with stage.open((100, 40)):
        await open_card(stage)
        await stage.until(lambda: ASKING not in stage.text())
        for words in (
            "Presence     not told: it is not shared with you",
            "Shared rooms not told: the homeserver knows nothing of it",
            "Devices      not told: The homeserver does not answer.",
            "Robert",
        ):
            assert words in stage.text(), words


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (IdentityState.FIRST_SEEN, "not compared yet"),
        (IdentityState.VERIFIED, "compared with them"),
        (IdentityState.CHANGED, "CHANGED since"),
        (IdentityState.VIOLATED, "CHANGED after you"),
    ],
)
async def test_identity_and_its_devices_are_told_in_words(
    stage: Stage, state: IdentityState, words: str
) -> None:
    await have_bob(stage)
    stage.server.identities[BOB] = state
    stage.server.devices[BOB] = (
        PersonDevice("PHONE", Safe("Bob's phone"), FINGERPRINT, signed=True),
        PersonDevice("OTHER", Safe("A tablet"), FINGERPRINT, signed=False),
    )
    async with stage.open((160, 48)):
        await open_card(stage)
        await stage.until(stage.shows(words))
        assert " confirmed by its owner" in stage.text()
        assert "NOT confirmed by its owner" in stage.text()


async def test_acts_of_the_list_work_on_the_card(stage: Stage) -> None:
    await have_bob(stage)
    async with stage.open((100, 40)) as pilot:
        await open_card(stage)
        await pilot.press("p")
        await stage.until(stage.shows("Arranged     pinned"))
        await pilot.press("n")
        await stage.until(lambda: not isinstance(stage.app.screen, PersonCard))
        await stage.type("Bobby")
        await pilot.press("enter")
        await stage.until(stage.shows("Bobby (seen by you alone)"))
        await pilot.press("y")
        assert stage.app.clipboard == BOB
        await pilot.press("l")
        assert stage.app.clipboard == f"https://matrix.to/#/{BOB}"
        await pilot.press("enter")
        await stage.until(lambda: stage.conversation.person == BOB)


async def test_why_page_has_the_verdict_first_and_turns_back(stage: Stage) -> None:
    await have_bob(stage)
    async with stage.open((100, 40)) as pilot:
        await open_card(stage)
        await pilot.press("w")
        await stage.until(stage.shows("This is a direct chat with Bob."))
        assert f"Your list (m.direct) names it under {BOB}" in stage.text()
        assert "why is this a direct chat?" in stage.text()
        await pilot.press("w")
        await stage.until(stage.shows("matrix.to"))


async def test_card_follows_what_happens_and_asks_again_only_where_rooms_differ(
    stage: Stage,
) -> None:
    await have_bob(stage)
    (room_id,) = stage.server.rooms
    async with stage.open((100, 40)) as pilot:
        await open_card(stage)
        await pilot.press("w")
        await stage.until(stage.shows("This is a direct chat with Bob."))
        await stage.until(lambda: stage.server.count("invite_of") == 2)
        await stage.server.say(room_id, BOB, "hello")
        await stage.until(lambda: stage.messages())
        await stage.server.abandon(room_id, BOB)
        await stage.until(stage.shows("who is not there now"))
        assert stage.server.count("invite_of") == 3


async def test_warning_of_a_look_alike_stands_first(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open((100, 40)):
        await stage.until(lambda: stage.row())
        await stage.server.have_direct_room(CAROL, "Bоb")  # Cyrillic
        await stage.until(lambda: stage.row(CAROL))
        stage.people.focus()
        card = PERSON_ACTS["card"]
        row = stage.row(CAROL)
        assert row is not None
        stage.app.run_worker(card(stage.main._hands, row))
        await stage.until(stage.shows("Looks like Bob, whom you know longer"))


async def test_group_has_a_card_that_says_it_is_no_direct_message(stage: Stage) -> None:
    room_id = await stage.server.have_direct_room(BOB, "Bob")
    carol = Member(CAROL, Membership.JOIN, Safe("Carol"))
    stage.server.rooms[room_id].members[CAROL] = carol
    await stage.server.tell(SyncBatch("", rooms=(RoomUpdate(room_id, members=(carol,)),)))
    async with stage.open((100, 40)) as pilot:
        await stage.until(lambda: any(row.group for row in stage.people.rows))
        group = next(row.user_id for row in stage.people.rows if row.group)
        await open_card(stage, group)
        await stage.until(stage.shows("Others (2)"))
        assert "A group, and no direct message" in stage.text()
        assert f"a direct chat with {BOB}" in stage.text()
        assert str(CAROL) in stage.text()
        await pilot.press("w")
        await stage.until(stage.shows("2 other people are in it"))
        assert stage.server.count("presence") == 0


def test_presence_reads_as_people_say_it() -> None:
    def said(availability: Availability, ago: int | None = None) -> str:
        return in_words(Presence(availability, active_ago=ago))

    assert said(Availability.ONLINE, 5) == "online"
    assert said(Availability.OFFLINE) == "offline"
    assert said(Availability.UNAVAILABLE) == "idle"
    assert said(Availability.OFFLINE, 59_999) == "active just now"
    assert said(Availability.OFFLINE, 60_000) == "active 1 minute ago"
    assert said(Availability.UNAVAILABLE, 7_200_000) == "active 2 hours ago"
    assert said(Availability.OFFLINE, 3 * 86_400_000) == "active 3 days ago"


def test_link_and_fingerprint_are_fit_to_be_shared() -> None:
    assert link_to(BOB) == "https://matrix.to/#/@bob:example.org"
    assert "?" not in link_to(UserId("@what?#x:example.org")).partition("#/")[2]
    assert spaced("abcdefghij") == "abcd efgh ij"


def test_long_lines_are_wrapped_beside_their_labels() -> None:
    lines = (
        Line(Content("Rooms"), heading=True),
        Line(Content("one two three"), Content("Label"), indent=7),
        Line(Content("four five"), Content("· "), indent=2),
        Line(Content("plain"), indent=0),
    )
    assert laid_out(lines, 16).plain.split("\n") == [
        "Rooms",
        "Label  one two",
        "       three",
        "· four five",
        "plain",
    ]


def test_lines_stand_beside_a_face_up_to_the_first_heading() -> None:
    lines = (
        Line(Content("one two three"), Content("Label"), indent=7),
        Line(Content("Rooms"), heading=True),
        Line(Content("plain"), indent=0),
    )
    face = [Content("####")] * 3
    assert laid_out(lines, 22, face).plain.split("\n") == [
        "####  Label  one two",
        "####         three",
        "####  ",
        "",
        "Rooms",
        "plain",
    ]
    assert laid_out(lines[:1] * 2, 22, face).plain.split("\n")[-1] == "             three"


async def test_which_devices_get_keys_is_decided_on_the_card(stage: Stage) -> None:
    await have_bob(stage)
    async with stage.open((100, 40)) as pilot:
        await open_card(stage)
        await stage.until(lambda: ASKING not in stage.text())
        await pilot.press("x")
        await stage.until(stage.shows("Which devices of Bob get keys?"))
        await pilot.press("a")
        await stage.until(stage.shows("to all of their devices, confirmed or not"))
        assert stage.server.excepted == {BOB}
        await pilot.press("x")
        await stage.until(stage.shows("Which devices of Bob get keys?"))
        await pilot.press("enter")
        await stage.until(lambda: "confirmed or not" not in stage.text())
        assert stage.server.excepted == set()
