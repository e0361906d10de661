"""Fixtures that the tests of several packages use."""

import os
from collections.abc import Iterator

import pytest

from tests.requirements_harness import require
from tests.sound_server_harness import VirtualSound, missing
from tui_voice.conversation.policies import POLICIES
from tui_voice.lab.policies import LAB_POLICIES

POLICIES.update(LAB_POLICIES)  # as the command line does

# A worker of pytest-xdist has these variables (80 and 24). They would override the size of every
# pseudo-terminal in which a test starts the app.
for name in ("COLUMNS", "LINES"):
    os.environ.pop(name, None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the tests with real-time sound into one group for `pytest -n 3 --dist loadgroup`.

    A group runs in one process: tests with sound fail where two of them run side by side.
    """
    for item in items:
        if item.get_closest_marker("sound") or "virtual_sound" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("sound"))


@pytest.fixture
def virtual_sound(monkeypatch: pytest.MonkeyPatch) -> Iterator[VirtualSound]:
    """A private sound server that this process and its children use until the test ends."""
    lacking = missing()
    require(not lacking, f"no virtual sound: {', '.join(lacking)} missing (apt: pulseaudio)")
    with VirtualSound() as sound:
        for variable, value in sound.client_env.items():
            monkeypatch.setenv(variable, value)
        yield sound
