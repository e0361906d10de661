"""Audio between devices and server: the microphone's gate, playback, and what is reported of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from tui_voice.audio.null import NullMicrophone, NullSpeaker
from tui_voice.audio.pcm_format import BYTES_PER_MS
from tui_voice.audio.sound import SoundDevices
from tui_voice.conversation import events as e
from tui_voice.runtime.media import SPEECH_LOST, Media
from tui_voice.runtime.speech_buffer import MAX_PENDING_MS, SpeechBuffer

FRAME = bytes(20 * BYTES_PER_MS)


@dataclass
class Harness:
    """A `Media` with the events that it posts and the audio frames that it sends."""

    events: list[e.Event] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    posted: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.media = Media(SpeechBuffer(self._send, lambda: None), self._post)

    def _send(self, pcm: bytes) -> bool:
        self.sent.append(pcm)
        return True

    def _post(self, event: e.Event) -> None:
        self.events.append(event)
        self.posted.set()


@dataclass
class WithDevices(Harness):
    """The same with devices that only keep time."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.microphone = NullMicrophone(self.media.captured)
        self.speaker = NullSpeaker(None, self.media.playback.finished, record=True)

    def attach(self, *, microphone_open: bool = False, muted: bool = False) -> None:
        sound = SoundDevices(self.microphone, self.speaker)
        self.media.attach(sound, microphone_open=microphone_open, muted=muted)


@pytest.fixture
async def devices() -> AsyncIterator[WithDevices]:
    harness = WithDevices()
    yield harness
    await harness.speaker.close()


# ── the microphone ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("is_open", "muted"), [(False, True), (True, False)])
async def test_the_devices_begin_as_the_conversation_is(
    devices: WithDevices, is_open: bool, muted: bool
) -> None:
    devices.attach(microphone_open=is_open, muted=muted)
    assert (devices.microphone.is_open, devices.microphone.muted) == (is_open, muted)
    assert devices.media.microphone_open is is_open


async def test_gate_and_mute_reach_the_microphone(devices: WithDevices) -> None:
    devices.attach(muted=True)
    devices.media.open_microphone(True)
    devices.media.mute(False)
    assert (devices.microphone.is_open, devices.microphone.muted) == (True, False)


async def test_frames_before_the_gate_is_set_are_dropped(devices: WithDevices) -> None:
    devices.media.connection_ready()
    await devices.microphone.feed(FRAME, speed=1000)
    assert devices.sent == []
    devices.attach(microphone_open=True)
    await devices.microphone.feed(FRAME, speed=1000)
    assert devices.sent == [FRAME]


async def test_speech_that_could_not_be_kept_is_reported_once(devices: WithDevices) -> None:
    devices.attach(microphone_open=True)
    for _ in range(MAX_PENDING_MS // 20 + 50):
        devices.media.captured(FRAME)
    devices.media.connection_ready()
    devices.media.connection_lost()
    devices.media.connection_ready()
    [notice] = devices.events
    assert notice == e.Noticed(text=SPEECH_LOST.format(seconds=1), severity="warning")


# ── playback ─────────────────────────────────────────────────────────────────────────────────


async def test_the_loudspeaker_may_rest_while_the_microphone_is_closed(
    devices: WithDevices, monkeypatch: pytest.MonkeyPatch
) -> None:
    devices.attach()
    may_rest_when_woken: list[bool] = []
    speaker = devices.speaker
    monkeypatch.setattr(speaker, "wake", lambda: may_rest_when_woken.append(speaker.may_rest))
    assert speaker.may_rest
    devices.media.open_microphone(True)
    assert may_rest_when_woken == [False]
    devices.media.open_microphone(False)
    assert speaker.may_rest
    devices.media.playback.wake()  # a reply to typed text
    assert may_rest_when_woken == [False, True]


async def test_a_reply_is_finished_after_its_last_sample(devices: WithDevices) -> None:
    devices.attach()
    devices.media.play("a1", bytes(30 * BYTES_PER_MS))
    assert devices.events == []
    devices.media.playback.end("a1")
    await asyncio.wait_for(devices.posted.wait(), 10)
    assert devices.events == [e.PlaybackFinished(item_id="a1", played_ms=30)]
    assert len(devices.speaker.recording) == 30 * BYTES_PER_MS


async def test_an_interruption_reports_what_was_played_and_what_had_come(
    devices: WithDevices,
) -> None:
    devices.attach()
    devices.media.play("a1", bytes(4000 * BYTES_PER_MS))
    devices.media.play("a2", bytes(500 * BYTES_PER_MS))
    devices.media.playback.interrupt()
    played_ms = devices.speaker.played_ms("a1")
    assert devices.events == [
        e.PlaybackInterrupted(item_id="a1", played_ms=played_ms, received_ms=4000),
        e.PlaybackInterrupted(item_id="a2", played_ms=0, received_ms=500),
    ]
    devices.media.play("a1", bytes(100 * BYTES_PER_MS))  # late audio of it is ignored
    devices.media.playback.interrupt()
    assert len(devices.events) == 2


async def test_a_reply_is_played_to_its_end_after_the_connection_is_lost(
    devices: WithDevices,
) -> None:
    devices.attach()
    devices.media.play("a1", bytes(40 * BYTES_PER_MS))
    devices.media.connection_lost()
    await asyncio.wait_for(devices.posted.wait(), 10)
    assert devices.events == [e.PlaybackFinished(item_id="a1", played_ms=40)]


async def test_without_a_loudspeaker_a_reply_is_finished_and_never_interrupted() -> None:
    harness = Harness()
    harness.media.play("a1", bytes(40 * BYTES_PER_MS))
    harness.media.playback.end("a1")
    harness.media.playback.end("unknown")
    harness.media.play("a2", bytes(40 * BYTES_PER_MS))
    harness.media.playback.interrupt()
    assert harness.events == [
        e.PlaybackFinished(item_id="a1"),
        e.PlaybackFinished(item_id="a2"),
    ]
    assert harness.media.meters().microphone == 0.0
