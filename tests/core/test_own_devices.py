from __future__ import annotations

from dmtui.core.model import Safe
from dmtui.core.own_devices import (
    OwnDevice,
    called,
    confirmed_words,
    in_order,
    sign_in_words,
    waiting_words,
)

PHONE = OwnDevice("PHONE", Safe("phone"), "key", confirmed=True)
STRANGE = OwnDevice("STRANGE", Safe("zzz"), "key", confirmed=False)
UNJUDGED = OwnDevice("UNJUDGED", Safe("Tablet"), "key")
KEYLESS = OwnDevice("SCRIPT", Safe(""), "")


def test_devices_that_are_not_confirmed_come_first() -> None:
    found = in_order([PHONE, STRANGE, UNJUDGED, KEYLESS])
    assert [one.device_id for one in found] == ["STRANGE", "SCRIPT", "UNJUDGED", "PHONE"]


def test_device_is_called_by_name_and_id_as_far_as_there_is_room() -> None:
    assert called(PHONE) == "phone (PHONE)"
    assert called(KEYLESS) == "SCRIPT"
    long = OwnDevice("I" * 300, Safe("n" * 300), "key")
    assert len(called(long)) < 60


def test_each_standing_has_words_of_its_own() -> None:
    devices = [PHONE, STRANGE, UNJUDGED, KEYLESS]
    assert len({confirmed_words(one) for one in devices}) == len(devices)
    assert confirmed_words(STRANGE) == "NOT confirmed"


def test_sign_in_is_said_more_quietly_where_it_is_confirmed() -> None:
    assert sign_in_words(STRANGE) == "New sign-in, not confirmed: zzz (STRANGE)"
    assert sign_in_words(UNJUDGED) == "New sign-in, not confirmed: Tablet (UNJUDGED)"
    assert sign_in_words(PHONE) == "Signed in and confirmed: phone (PHONE)"


def test_several_that_wait_are_counted() -> None:
    assert waiting_words(()) == ""
    assert waiting_words((STRANGE,)) == sign_in_words(STRANGE)
    assert waiting_words((STRANGE, UNJUDGED)) == "2 new sign-ins, not confirmed"
