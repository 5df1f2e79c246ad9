"""Fixtures that put a real Synapse under a test; and no test sees the machine's keyring.

``synapse`` is shared by the whole run, so every test registers users of its own;
``private_synapse`` is the test's own, to stop, kill, freeze or configure.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.homeserver.faultproxy import FaultProxy
from tests.homeserver.launcher import Launcher
from tests.homeserver.synapse import SynapseServer

LAUNCHER = pytest.StashKey[Launcher]()

# For this process and all that it starts: as on a machine without a keyring.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"

# A busy machine fails no test, and a run finds what the run before it found: new examples are
# looked for with --hypothesis-profile=searching.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("searching", _PATIENT)
settings.register_profile("repeatable", _PATIENT, derandomize=True)
settings.load_profile("repeatable")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Import Synapse in the background if any selected test will ask for it.

    And spare the collector what is here to stay: it took a quarter of the time of a test with the
    whole app, most of it for looking through modules and collected tests again and again.
    """
    if session.config.option.collectonly:
        return
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
    if any("launcher" in getattr(item, "fixturenames", ()) for item in session.items):
        session.config.stash[LAUNCHER] = Launcher()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """More than there are processors: a test with a homeserver or an app waits half of its time."""
    cores = os.cpu_count() or 1
    return cores + (cores + 1) // 2


def pytest_unconfigure(config: pytest.Config) -> None:
    """End every Synapse of this process."""
    if LAUNCHER in config.stash:
        config.stash[LAUNCHER].close()


@pytest.fixture(scope="session")
def launcher(pytestconfig: pytest.Config) -> Launcher:
    """What starts servers, for tests that need one configured in a way of their own."""
    if LAUNCHER not in pytestconfig.stash:  # asked for by name, which collection can't foresee
        pytestconfig.stash[LAUNCHER] = Launcher()
    return pytestconfig.stash[LAUNCHER]


@pytest.fixture(scope="session")
def synapse(launcher: Launcher) -> Iterator[SynapseServer]:
    """A server that all tests share."""
    with SynapseServer(launcher) as server:
        yield server


@pytest.fixture
def private_synapse(launcher: Launcher) -> Iterator[SynapseServer]:
    """A server of the test's own."""
    with SynapseServer(launcher) as server:
        yield server


@pytest.fixture
def proxy(synapse: SynapseServer) -> Iterator[FaultProxy]:
    """A proxy in front of the shared server, to spoil what passes."""
    with FaultProxy(synapse.base_url) as running:
        yield running
