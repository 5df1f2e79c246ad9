"""Where the two people of a conversation live: on one homeserver, or on two that federate.

A test that asks for ``setting`` runs in both; parametrised with :data:`LOCALLY` or
:data:`FEDERATED` it runs in that one. Rooms have no server in their IDs, but for those that
``here`` makes in the federated setting, whose room version is older.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

import pytest

from tests.homeserver.account import Account
from tests.homeserver.dmtui_account import DmtuiAccount
from tests.homeserver.faultproxy import FaultProxy
from tests.homeserver.synapse import SynapseServer

LOCAL = pytest.param("local")
FEDERATED = pytest.param("federated", marks=pytest.mark.xdist_group("federation"))

locally = pytest.mark.parametrize("setting", [LOCAL], indirect=True)
federated = pytest.mark.parametrize("setting", [FEDERATED], indirect=True)

Open: TypeAlias = Callable[[Account], Awaitable[DmtuiAccount]]
"""Starts dmtui for an account, behind the setting's proxy if it is one of ``here``."""


@dataclass(frozen=True, slots=True)
class Setting:
    """``here`` is my homeserver, seen through ``proxy``; ``there`` is the other person's."""

    here: SynapseServer
    there: SynapseServer
    proxy: FaultProxy

    def url(self, account: Account) -> str:
        """The base URL for dmtui of this account."""
        return self.proxy.base_url if account.base_url == self.here.base_url else account.base_url
