"""`doctor --sound` measures the echo of a loudspeaker, on a real sound server."""

from __future__ import annotations

import numpy as np
import pytest

from tests.sound_server_harness import VirtualSound
from tui_voice.audio.echo_test import find_sweep, sweep
from tui_voice.audio.pcm import RATE
from tui_voice.cli.checkup import echo, sound_devices
from tui_voice.config import Settings


@pytest.mark.sound
def test_the_echo_of_a_loudspeaker_is_measured(virtual_sound: VirtualSound) -> None:
    found = echo(Settings())
    detail, _, level = found.detail.partition("; ")
    assert (found.status, detail) == ("ok", "Loudspeaker to Microphone: none, as with headphones")
    assert level == "without the tone the microphone captures nothing", (
        "the virtual one has no noise"
    )
    virtual_sound.join_speaker_to_microphone(latency_ms=80)
    found = echo(Settings())
    assert found.status == "warn"  # the virtual cable weakens nothing
    leak, _, rest = found.detail.removeprefix("Loudspeaker to Microphone: ").partition(" dB after ")
    assert -3 <= int(leak) <= 1
    assert 40 < int(rest.partition(" ms; ")[0]) < 500
    assert "headphones" in found.remedy


@pytest.mark.sound
def test_what_a_loudspeaker_plays_is_no_microphone(virtual_sound: VirtualSound) -> None:
    loudspeakers = "2 loudspeakers (Loudspeaker)"
    assert sound_devices().detail == f"1 microphone (Microphone), {loudspeakers}"
    virtual_sound.unplug_microphone()
    found = sound_devices()
    assert (found.status, found.detail) == ("warn", f"no microphone, {loudspeakers}")


@pytest.mark.parametrize(("gain_db", "delay"), [(-6, 2_000), (-40, 9_000)])
def test_leak_and_delay_are_found_in_noise(gain_db: float, delay: int) -> None:
    noise = np.random.default_rng(1).standard_normal(3 * RATE) * 30
    played = sweep().astype(float) * 10 ** (gain_db / 20)
    noise[delay : delay + len(played)] += played
    leak, at = find_sweep(noise.astype(np.int16))
    assert leak == pytest.approx(gain_db, abs=0.5)
    assert at == pytest.approx(delay, abs=2)
    assert find_sweep((noise[: 2 * RATE] * 0).astype(np.int16)) == (None, 0)
