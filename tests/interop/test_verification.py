"""Verifying each other, by emoji or by a code of dmtui's, with Element on the other side."""

from __future__ import annotations

import asyncio

import pytest

from dmtui.core.model import RoomId, UserId
from dmtui.core.recovery import Backup, Identity
from dmtui.core.trust import IdentityState
from dmtui.core.verification import EMOJI, Phase, Verification
from tests.homeserver.dmtui_account import DmtuiAccount, user
from tests.homeserver.synapse import SynapseServer
from tests.interop.peer import Element, Peer
from tests.interop.setting import OpenDmtui, OpenElement, chat, either_way, on_one_worker

OURS = Identity.OURS

pytestmark = on_one_worker


class Here:
    """The latest verification in dmtui."""

    def __init__(self, dmtui: DmtuiAccount):
        self._dmtui = dmtui
        self.desk = dmtui.messenger.verification

    @property
    def latest(self) -> Verification:
        return self.desk._known[-1]

    async def until(self, phase: Phase) -> Verification:
        desk = self.desk
        await self._dmtui.until(lambda: desk._known and desk._known[-1].phase is phase)
        return self.latest


async def set_up(dmtui: DmtuiAccount) -> str:
    homeserver = await dmtui.messenger.homeserver()
    return await homeserver.set_up_recovery("")


async def compared(here: Here, there: Element) -> None:
    """Both show the same."""
    mine, theirs = await here.until(Phase.COMPARING), await there.verification(shown=True)
    assert tuple(EMOJI[number][0] for number in mine.emoji) == theirs.emoji
    assert mine.decimals == theirs.decimals


async def asked(here: Here, there: Element, room_id: RoomId, by_us: bool) -> None:
    """One side asks the other in the room, which accepts; both come to compare."""
    if by_us:
        await here.desk.request(UserId(there.me))
        await there.verification(phase="Requested", mine=False)
        await there.accept_verification()
    else:
        await there.request_verification(here._dmtui.account, room_id)
        one = await here.until(Phase.ASKED)
        assert (one.user_id, one.own, one.room_id) == (there.me, False, room_id)
        await here.desk.accept(one.id)
        await there.verification(phase="Ready")
        await there.start_verification()
    await compared(here, there)


@either_way
@pytest.mark.parametrize("by_us", [True, False])
async def test_person_is_verified_on_both_sides(
    dmtui: DmtuiAccount, bob: Element, by_us: bool
) -> None:
    await set_up(dmtui)
    room_id, here = await chat(dmtui, bob), Here(dmtui)
    await asked(here, bob, room_id, by_us)
    await bob.confirm_verification()
    await here.desk.confirm(here.latest.id)
    done = await here.until(Phase.DONE)
    assert done.reason == f"{bob.me} is verified."
    homeserver = await dmtui.messenger.homeserver()
    assert (await homeserver.trust_of(UserId(bob.me))).identity is IdentityState.VERIFIED
    await bob.verification(phase="Done")
    await bob.user(dmtui.account, verified=True)


@pytest.mark.parametrize("by_us", [True, False])
async def test_our_word_first_and_theirs_after_it(
    dmtui: DmtuiAccount, bob: Element, by_us: bool
) -> None:
    await set_up(dmtui)
    room_id, here = await chat(dmtui, bob), Here(dmtui)
    await asked(here, bob, room_id, by_us)
    await here.desk.confirm(here.latest.id)
    assert here.latest.phase in (Phase.COMPARING, Phase.CONFIRMED)
    await bob.confirm_verification()
    await here.until(Phase.DONE)
    await bob.verification(phase="Done")
    await bob.user(dmtui.account, verified=True)


@pytest.mark.parametrize("by_us", [True, False])
@pytest.mark.parametrize("seen_by_us", [True, False])
async def test_mismatch_ends_it_on_both_sides(
    dmtui: DmtuiAccount, bob: Element, by_us: bool, seen_by_us: bool
) -> None:
    await set_up(dmtui)
    room_id, here = await chat(dmtui, bob), Here(dmtui)
    await asked(here, bob, room_id, by_us)
    if seen_by_us:
        await here.desk.mismatch(here.latest.id)
    else:
        await bob.mismatch_verification()
    ended = await here.until(Phase.ENDED)
    assert "did not see the same" in ended.reason
    await bob.verification(phase="Cancelled")
    await bob.user(dmtui.account, identity=True, verified=False)


async def test_refusal_is_seen_by_element(dmtui: DmtuiAccount, bob: Element) -> None:
    await set_up(dmtui)
    room_id, here = await chat(dmtui, bob), Here(dmtui)
    await bob.request_verification(dmtui.account, room_id)
    one = await here.until(Phase.ASKED)
    await here.desk.cancel(one.id)
    await bob.verification(phase="Cancelled")


@pytest.fixture
async def mine(peer: Peer, synapse: SynapseServer, open_element: OpenElement) -> Element:
    """Element of my own account."""
    return await open_element(await asyncio.to_thread(synapse.register))


@pytest.mark.parametrize("by_us", [True, False])
@pytest.mark.parametrize("unlocked", [True, False])
async def test_my_own_devices_verify_each_other(
    mine: Element, synapse: SynapseServer, open_dmtui: OpenDmtui, by_us: bool, unlocked: bool
) -> None:
    key = await mine.set_up()
    dmtui = await open_dmtui(await asyncio.to_thread(synapse.login, mine.account.localpart))
    here = Here(dmtui)
    if unlocked:
        await dmtui.messenger.encryption.unlock(key)
    await mine.device(dmtui.account, known=True)
    if by_us:
        await here.desk.request(user(dmtui.account))
        await mine.verification(phase="Requested", mine=False)
        await mine.accept_verification()
    else:
        await mine.request_verification()
        one = await here.until(Phase.ASKED)
        assert (one.own, one.device_id) == (True, mine.account.device_id)
        await here.desk.accept(one.id)
        await mine.verification(phase="Ready")
        await mine.start_verification()
    await compared(here, mine)
    await mine.confirm_verification()
    await here.desk.confirm(here.latest.id)
    await here.until(Phase.DONE)
    await mine.verification(phase="Done")
    await mine.device(dmtui.account, signed=True, verified=True)
    care = dmtui.messenger.encryption
    await dmtui.until(
        lambda: care.known and (care.known.identity, care.known.backup) == (OURS, Backup.ON)
    )


@pytest.mark.parametrize("by_us", [True, False])
async def test_new_element_is_verified_by_dmtui(
    dmtui: DmtuiAccount, synapse: SynapseServer, open_element: OpenElement, by_us: bool
) -> None:
    await set_up(dmtui)
    mine = await open_element(await asyncio.to_thread(synapse.login, dmtui.account.localpart))
    here = Here(dmtui)
    await mine.user(dmtui.account, identity=True)
    await mine.device(dmtui.account, known=True)
    if by_us:
        await here.desk.request(user(dmtui.account))
        await mine.verification(phase="Requested", mine=False)
        await mine.accept_verification()
    else:
        await mine.request_verification()
        one = await here.until(Phase.ASKED)
        await here.desk.accept(one.id)
        await mine.verification(phase="Ready")
        await mine.start_verification()
    await compared(here, mine)
    await mine.confirm_verification()
    await here.desk.confirm(here.latest.id)
    done = await here.until(Phase.DONE)
    assert done.reason == f"Your device {mine.account.device_id} is verified."
    await mine.verification(phase="Done")
    await mine.device(mine.account, signed=True)
    await mine.device(dmtui.account, signed=True, verified=True)


# -- Element scans a code -----------------------------------------------------------------------


async def code_of(here: Here) -> bytes:
    one = await here.until(Phase.READY)
    assert one.qr
    return one.qr


async def with_camera(here: Here, there: Element, room_id: RoomId, by_us: bool) -> None:
    """One side asks the other, which can scan and accepts."""
    await there.have_camera()
    if by_us:
        await here.desk.request(UserId(there.me))
        await there.verification(phase="Requested", mine=False)
        await there.accept_verification()
    else:
        await there.request_verification(here._dmtui.account, room_id)
        one = await here.until(Phase.ASKED)
        await here.desk.accept(one.id)
        await there.verification(phase="Ready")


@pytest.mark.parametrize("by_us", [True, False])
async def test_person_scans_a_code(dmtui: DmtuiAccount, bob: Element, by_us: bool) -> None:
    await set_up(dmtui)
    room_id, here = await chat(dmtui, bob), Here(dmtui)
    await with_camera(here, bob, room_id, by_us)
    await bob.scan_code(await code_of(here))
    one = await here.until(Phase.SCANNED)
    await bob.verification(phase="Started")
    homeserver = await dmtui.messenger.homeserver()
    assert (await homeserver.trust_of(UserId(bob.me))).identity is IdentityState.FIRST_SEEN
    await here.desk.confirm(one.id)
    done = await here.until(Phase.DONE)
    assert done.reason == f"{bob.me} is verified."
    assert (await homeserver.trust_of(UserId(bob.me))).identity is IdentityState.VERIFIED
    await bob.verification(phase="Done")
    await bob.user(dmtui.account, verified=True)


async def test_person_with_a_camera_compares_pictures_instead(
    dmtui: DmtuiAccount, bob: Element
) -> None:
    await set_up(dmtui)
    room_id, here = await chat(dmtui, bob), Here(dmtui)
    await with_camera(here, bob, room_id, True)
    await code_of(here)
    await here.desk.start(here.latest.id)
    await compared(here, bob)
    await bob.confirm_verification()
    await here.desk.confirm(here.latest.id)
    await here.until(Phase.DONE)
    await bob.user(dmtui.account, verified=True)


async def test_wrong_secret_is_refused(dmtui: DmtuiAccount, bob: Element) -> None:
    await set_up(dmtui)
    room_id, here = await chat(dmtui, bob), Here(dmtui)
    await with_camera(here, bob, room_id, True)
    code = await code_of(here)
    await bob.scan_code(code[:-1] + bytes([code[-1] ^ 1]))
    ended = await here.until(Phase.ENDED)
    assert "somebody may be in between" in ended.reason
    await bob.verification(phase="Cancelled")
    await bob.user(dmtui.account, identity=True, verified=False)
    homeserver = await dmtui.messenger.homeserver()
    assert (await homeserver.trust_of(UserId(bob.me))).identity is IdentityState.FIRST_SEEN


async def test_new_element_scans_the_code_of_dmtui(
    dmtui: DmtuiAccount, synapse: SynapseServer, open_element: OpenElement
) -> None:
    await set_up(dmtui)
    mine = await open_element(await asyncio.to_thread(synapse.login, dmtui.account.localpart))
    here = Here(dmtui)
    await mine.have_camera()
    await mine.user(dmtui.account, identity=True)
    await mine.device(dmtui.account, known=True)
    await here.desk.request(user(dmtui.account))
    await mine.verification(phase="Requested", mine=False)
    await mine.accept_verification()
    await mine.scan_code(await code_of(here))
    one = await here.until(Phase.SCANNED)
    await here.desk.confirm(one.id)
    done = await here.until(Phase.DONE)
    assert done.reason == f"Your device {mine.account.device_id} is verified."
    await mine.verification(phase="Done")
    await mine.device(mine.account, signed=True)
    await mine.device(dmtui.account, signed=True, verified=True)


async def test_element_scans_the_code_of_a_new_dmtui(
    mine: Element, synapse: SynapseServer, open_dmtui: OpenDmtui
) -> None:
    await mine.set_up()
    dmtui = await open_dmtui(await asyncio.to_thread(synapse.login, mine.account.localpart))
    here = Here(dmtui)
    await mine.have_camera()
    await mine.device(dmtui.account, known=True)
    await mine.request_verification()
    asked = await here.until(Phase.ASKED)
    await here.desk.accept(asked.id)
    await mine.verification(phase="Ready")
    await mine.scan_code(await code_of(here))
    one = await here.until(Phase.SCANNED)
    await here.desk.confirm(one.id)
    await here.until(Phase.DONE)
    await mine.verification(phase="Done")
    await mine.device(dmtui.account, signed=True, verified=True)
    care = dmtui.messenger.encryption
    await dmtui.until(
        lambda: care.known and (care.known.identity, care.known.backup) == (OURS, Backup.ON)
    )
