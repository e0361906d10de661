"""One set of engines for all tests: they are shared in the program too."""

from __future__ import annotations

import os

import pytest

from tests.server.local.speech_harness import lacking
from tui_voice.server.local.engines import LocalEngines


@pytest.fixture(scope="session")
def engines() -> LocalEngines:
    return LocalEngines(probe=False)


@pytest.fixture(scope="session")
def voices() -> None:
    """Skips where this machine has no test voices."""
    if missing := lacking():
        reason = f"no voices to listen to: apt install {' '.join(missing)}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
