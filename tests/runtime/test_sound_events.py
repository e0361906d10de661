"""What the user changes about the sound in a session: mode, volume, pause, devices."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from tests.runtime.session_harness import SILENCE, running_session, toy_server, utterance
from tests.server.toy_engines_harness import tones
from tui_voice.audio.device_stream import DeviceChange
from tui_voice.audio.pcm import duration_ms
from tui_voice.conversation import events as e
from tui_voice.conversation.states import State


async def test_the_mode_changes_in_the_session_and_the_server_knows(tmp_path: Path) -> None:
    async with (
        toy_server() as server,
        running_session(server.url, tmp_path, turn_detection="server_vad") as harness,
    ):
        harness.session.post(e.TurnModeChosen(mode="manual"))
        harness.session.post(e.TalkPressed())
        await harness.until(lambda s: s.situation.microphone.open)
        assert harness.snapshot.situation.microphone.by_key
        await harness.feed(utterance("one") + utterance("two"))  # a pause that would end the turn
        harness.session.post(e.TalkReleased())
        await harness.until(lambda _: harness.turns()[-1:] == [("assistant", "one two")])
        await harness.settled()
        harness.session.post(e.TurnModeChosen(mode="hands-free"))
        harness.session.post(e.TalkPressed())
        await harness.until(lambda s: s.situation.microphone.open)
        await harness.feed(utterance("three"))
        await harness.until(lambda _: harness.turns()[-1:] == [("assistant", "three")])
    assert not [event for event in harness.events if isinstance(event, e.ServerErred)]


async def test_the_mode_changes_while_the_user_is_heard_and_what_was_said_is_answered(
    tmp_path: Path,
) -> None:
    """Else a television that is always heard would keep the user from changing to the key."""
    async with (
        toy_server() as server,
        running_session(server.url, tmp_path, turn_detection="server_vad") as harness,
    ):
        modes: tuple[Literal["manual", "hands-free"], ...] = ("manual", "hands-free")
        for mode, word in zip(modes, ("one", "two"), strict=True):
            harness.session.post(e.TalkPressed(manual=mode == "hands-free"))
            await harness.until(lambda s: s.situation.microphone.open)
            await harness.feed(tones(word).tobytes())
            await harness.until(lambda s: s.state is State.LISTENING)
            harness.session.post(e.TurnModeChosen(mode=mode))
            await harness.until(lambda _, w=word: harness.turns()[-1:] == [("assistant", w)])
            microphone = harness.snapshot.situation.microphone
            assert (microphone.mode, microphone.open) == (mode, False)
            await harness.settled()
    assert [role for role, _ in harness.turns()] == ["user", "assistant"] * 2
    assert not [event for event in harness.events if isinstance(event, e.ServerErred)]


async def test_silence_from_before_the_mode_changed_is_no_part_of_the_next_turn(
    tmp_path: Path,
) -> None:
    """Each second of it would cost 10 tokens, and delay the transcript."""
    async with (
        toy_server() as server,
        running_session(server.url, tmp_path, turn_detection="server_vad") as harness,
    ):
        harness.session.post(e.TalkPressed())
        await harness.until(lambda s: s.situation.microphone.open)
        await harness.feed(SILENCE * 10)
        harness.session.post(e.TurnModeChosen(mode="manual"))
        harness.session.post(e.TalkPressed())
        await harness.until(lambda s: s.situation.microphone.by_key)
        word = utterance("one")
        await harness.feed(word)
        harness.session.post(e.TalkReleased())
        await harness.until(lambda _: harness.turns()[-1:] == [("assistant", "one")])
    committed = [event for event in harness.events if isinstance(event, e.SpeechCommitted)]
    assert [event.audio_ms for event in committed] == [pytest.approx(duration_ms(word), abs=400)]


async def test_the_pause_tolerance_changes_in_the_session(tmp_path: Path) -> None:
    def tolerated(silence_ms: int) -> e.TurnDetectionChosen:
        return e.TurnDetectionChosen(
            detection="server_vad",
            silence_ms=silence_ms,
            threshold=0.5,
            prefix_padding_ms=300,
            eagerness="auto",
        )

    async with (
        toy_server() as server,
        running_session(server.url, tmp_path, turn_detection="server_vad") as harness,
    ):
        harness.session.post(e.TalkPressed())
        await harness.until(lambda s: s.situation.microphone.open)
        for silence_ms, turns in ((1500, ["one two"]), (300, ["three", "four"])):
            harness.session.post(tolerated(silence_ms))
            before = len(harness.turns())
            words = turns[0].split() if len(turns) == 1 else turns
            await harness.feed(b"".join(utterance(word) for word in words) + SILENCE * 3)
            await harness.until(
                lambda _, n=before, t=turns: (
                    [text for role, text in harness.turns()[n:] if role == "user"] == t
                )
            )
            await harness.settled()
        # With manual turns it waits until the server ends the turns again, and it survives.
        harness.session.post(e.TurnModeChosen(mode="manual"))
        harness.session.post(tolerated(1500))
        harness.session.post(e.TurnModeChosen(mode="hands-free"))
        harness.session.post(e.TalkPressed())
        await harness.until(lambda s: s.situation.microphone.open)
        await harness.feed(utterance("five") + utterance("six") + SILENCE * 3)
        await harness.until(lambda _: harness.turns()[-1:] == [("assistant", "five six")])
    assert not [event for event in harness.events if isinstance(event, e.ServerErred)]
    noticed = [event.text for event in harness.events if isinstance(event, e.Noticed)]
    assert "A pause of 1.5 s ends your turn." in noticed


async def test_a_reply_is_paused_goes_on_and_pauses_where_its_loudspeaker_is_lost(
    tmp_path: Path,
) -> None:
    async with toy_server() as server, running_session(server.url, tmp_path) as harness:
        await harness.until(lambda _: harness.sound is not None)
        assert harness.sound is not None
        speaker = harness.sound.speaker
        speaker.speed = 1.0
        harness.session.post(e.TextSubmitted(item_id="q", text="count 60"))
        await harness.until(lambda s: s.state is State.SPEAKING)
        harness.session.post(e.PausePressed(paused=True))
        await harness.until(lambda s: s.situation.playback.paused_at is not None)
        assert speaker.paused
        harness.session.post(e.PausePressed(paused=False))
        await harness.until(lambda s: s.situation.playback.paused_at is None)
        harness.session.post(e.VolumeStepped(step=-0.5))
        assert (await harness.event(e.Noticed)).text == "The replies play at 50%."
        harness.session.post(e.SpeedStepped(step=0.8))
        await harness.event(e.Noticed, lambda event: "150%" in event.text)
        harness.session.post(e.SpeedStepped(to=0.9))
        await harness.event(e.Noticed, lambda event: "spoken at 90%" in event.text)
        harness.session.post(e.VolumeStepped(to=1.2))
        await harness.event(e.Noticed, lambda event: "play at 120%" in event.text)

        def changed(back: bool, message: str, **fields: bool) -> None:
            change = DeviceChange("output", back, message, **fields)
            harness.session._loop.call_soon_threadsafe(harness.backend.device_changed, change)

        changed(False, "The loudspeaker Earphones is gone.")
        await harness.until(lambda s: s.situation.playback.paused_at is not None)
        changed(True, "The loudspeaker Earphones is gone: replies play on Laptop.")
        said = await harness.event(e.Noticed, lambda event: "Laptop" in event.text)
        assert said.text.endswith("The reply is paused: the pause key plays it on.")
        assert speaker.paused
        changed(True, "The loudspeaker Earphones is back.", same=True)
        await harness.until(lambda s: s.situation.playback.paused_at is None)
        # A reply that the user has paused stays paused.
        harness.session.post(e.PausePressed(paused=True))
        await harness.until(lambda s: s.situation.playback.paused_at is not None)
        changed(False, "The loudspeaker Earphones is gone again.")
        changed(True, "The loudspeaker Earphones is back again.", same=True)
        await harness.event(e.Noticed, lambda event: event.text.endswith("is back again."))
        assert speaker.paused
        # No loudspeaker is left: the rest is shown, and nothing counts as interrupted.
        changed(False, "The loudspeaker Earphones is gone, and there is no other.", final=True)
        await harness.until(lambda s: s.state is State.IDLE)
    ended = (e.PlaybackInterrupted, e.ServerErred)
    assert not [event for event in harness.events if isinstance(event, ended)]
