"""New devices of my own account: told once, and waiting until I have looked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dmtui.core.events import Change, NewSignIn, OwnDevicesChanged
from dmtui.core.model import Safe
from dmtui.core.own_devices import OwnDevice
from dmtui.store.store import Store
from tests.store.conftest import ME, batch

HERE = OwnDevice("HERE", Safe("My terminal"), "our key", this=True)
PHONE = OwnDevice("PHONE", Safe("My phone"), "its key")
STRANGE = OwnDevice("STRANGE", Safe("Who is this"), "strange key", confirmed=False)


def lists(store: Store, *devices: OwnDevice) -> frozenset[Change]:
    """Sync tells of these."""
    return store.apply(replace(batch(), own_devices=devices))


@pytest.fixture
def begun(store: Store) -> Store:
    """A store that knows this device and the phone."""
    lists(store, HERE, PHONE)
    return store


def waiting(store: Store) -> list[str]:
    return [device.device_id for device in store.own_devices.waiting()]


def test_what_was_signed_in_before_is_no_news(store: Store) -> None:
    changes = lists(store, HERE, PHONE, STRANGE)
    assert not any(isinstance(change, NewSignIn) for change in changes)
    assert waiting(store) == []
    assert store.told.news().sign_ins == ()


def test_new_device_is_told_once_and_waits(begun: Store) -> None:
    assert lists(begun, HERE, PHONE, STRANGE) == {NewSignIn("STRANGE"), OwnDevicesChanged()}
    assert lists(begun, HERE, PHONE, STRANGE) == frozenset()
    assert begun.own_devices.waiting() == (STRANGE,)


def test_what_sync_does_not_tell_changes_nothing(begun: Store) -> None:
    lists(begun, HERE, STRANGE)
    assert begun.apply(batch()) == frozenset()
    assert waiting(begun) == ["STRANGE"]


def test_the_first_device_after_a_list_of_nothing_is_news(store: Store) -> None:
    lists(store)
    lists(store, HERE, PHONE)
    assert waiting(store) == ["PHONE"]


def test_device_that_my_identity_vouches_for_is_told_and_does_not_wait(begun: Store) -> None:
    changes = lists(begun, HERE, replace(STRANGE, confirmed=True))
    assert NewSignIn("STRANGE") in changes
    assert waiting(begun) == []
    assert begun.told.news().sign_ins == ()


def test_device_waits_no_more_once_it_is_confirmed(begun: Store) -> None:
    lists(begun, HERE, STRANGE)
    assert lists(begun, HERE, replace(STRANGE, confirmed=True)) == {OwnDevicesChanged()}
    assert waiting(begun) == []


def test_device_waits_no_more_once_it_is_gone_and_is_not_new_again(begun: Store) -> None:
    lists(begun, HERE, STRANGE)
    assert lists(begun, HERE) == {OwnDevicesChanged()}
    assert waiting(begun) == []
    assert lists(begun, HERE) == frozenset()
    assert lists(begun, HERE, STRANGE) == {OwnDevicesChanged()}


def test_known_id_with_another_key_is_a_new_device(begun: Store) -> None:
    assert NewSignIn("PHONE") in lists(begun, HERE, replace(PHONE, fingerprint="another key"))
    assert waiting(begun) == ["PHONE"]


def test_this_very_device_is_no_news_after_a_new_sign_in(begun: Store) -> None:
    again = OwnDevice("AGAIN", Safe("My terminal"), "new key", this=True)
    lists(begun, replace(HERE, this=False), PHONE, again)
    assert waiting(begun) == []


def test_device_that_was_looked_at_waits_no_more(begun: Store) -> None:
    lists(begun, HERE, STRANGE, replace(STRANGE, device_id="OTHER", fingerprint="other key"))
    assert begun.own_devices.looked([HERE, STRANGE]) == {OwnDevicesChanged()}
    assert waiting(begun) == ["OTHER"]
    assert begun.own_devices.looked([HERE, STRANGE]) == frozenset()


def test_notification_tells_of_it_once(begun: Store) -> None:
    lists(begun, HERE, STRANGE)
    news = begun.told.news()
    assert news.sign_ins == (STRANGE,)
    begun.told.mark(news)
    assert begun.told.news().sign_ins == ()
    assert waiting(begun) == ["STRANGE"]


def test_new_name_is_taken_over(begun: Store) -> None:
    lists(begun, HERE, STRANGE)
    renamed = replace(STRANGE, name=Safe("Bob's phone"))
    assert lists(begun, HERE, renamed) == {OwnDevicesChanged()}
    assert begun.own_devices.find("STRANGE") == renamed


def test_all_of_it_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "kept.db"
    before = Store.open(path, ME)
    lists(before, HERE, PHONE)
    lists(before, HERE, PHONE, STRANGE)
    before.told.mark(before.told.news())
    before.close()
    after = Store.open(path, ME)
    try:
        assert after.own_devices.waiting() == (STRANGE,)
        assert after.told.news().sign_ins == ()
        assert lists(after, HERE, PHONE, STRANGE) == frozenset()
    finally:
        after.close()


def test_one_that_hides_for_a_while_waits_again_when_it_is_back(begun: Store) -> None:
    lists(begun, HERE, PHONE, STRANGE)
    lists(begun, HERE, PHONE)
    assert waiting(begun) == []
    lists(begun, HERE, PHONE, STRANGE)
    assert waiting(begun) == ["STRANGE"]
    begun.own_devices.looked([STRANGE])
    lists(begun, HERE, PHONE)
    lists(begun, HERE, PHONE, STRANGE)
    assert waiting(begun) == []
