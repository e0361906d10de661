"""Fixtures: one set of engines for all tests, as in the program."""

from __future__ import annotations

import pytest

from tests.requirements_harness import require
from tests.server.local.speech_harness import missing_packages
from tui_voice.server.local.engines import LocalEngines


@pytest.fixture(scope="session")
def engines() -> LocalEngines:
    return LocalEngines(probe=False)


@pytest.fixture(scope="session")
def voices() -> None:
    """Skips the test where this machine has no voices to recognise; fails it in CI."""
    missing = missing_packages()
    require(not missing, f"no voices to recognise: apt install {' '.join(missing)}")
