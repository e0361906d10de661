"""Fixtures that the tests of several packages use."""

from collections.abc import Iterator

import pytest

from tests.requirements_harness import require
from tests.sound_server_harness import VirtualSound, missing
from tui_voice.conversation.policies import POLICIES
from tui_voice.lab.policies import LAB_POLICIES

POLICIES.update(LAB_POLICIES)  # as the command line does


@pytest.fixture
def virtual_sound(monkeypatch: pytest.MonkeyPatch) -> Iterator[VirtualSound]:
    """A private sound server that this process and its children use until the test ends."""
    lacking = missing()
    require(not lacking, f"no virtual sound: {', '.join(lacking)} missing (apt: pulseaudio)")
    with VirtualSound() as sound:
        for name, value in sound.client_env.items():
            monkeypatch.setenv(name, value)
        yield sound
