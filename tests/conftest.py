"""Fixtures that more than one room uses."""

import os
from collections.abc import Iterator

import pytest

from tests.sound_server_harness import VirtualSound, missing
from tui_voice.conversation.policies import POLICIES
from tui_voice.lab.policies import LAB_POLICIES

POLICIES.update(LAB_POLICIES)  # as the command line does


@pytest.fixture
def virtual_sound(monkeypatch: pytest.MonkeyPatch) -> Iterator[VirtualSound]:
    """A private sound server that this process and its children use until the test ends."""
    if lacking := missing():
        reason = f"no virtual sound here: {', '.join(lacking)} missing (apt: pulseaudio)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with VirtualSound() as sound:
        for name in ("XDG_RUNTIME_DIR", "PULSE_RUNTIME_PATH", "PULSE_COOKIE", "PULSE_SERVER"):
            monkeypatch.setenv(name, sound.env[name])
        yield sound
