"""A live session: interruptions, the talk key, outages while somebody speaks, and failures."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.runtime.fault_proxy_harness import fault_proxy
from tests.runtime.session_harness import (
    NEVER,
    SessionHarness,
    running_session,
    toy_server,
    utterance,
)
from tests.server.toy_engines_harness import ToyEngines, speech
from tui_voice.audio.null import NullMicrophone, NullSpeaker
from tui_voice.audio.sound import SoundDevices
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.states import State

STORY = "count 60"
"""The toy model then speaks for ten seconds; the loudspeaker plays a hundred times as fast."""


def both(words: str) -> list[tuple[str, str]]:
    """The turn of the user and the reply of the toy model, which repeats it."""
    return [("user", words), ("assistant", words)]


async def press(harness: SessionHarness) -> None:
    harness.session.post(e.TalkPressed())
    await harness.until(lambda s: s.situation.microphone.open)


def slowly(harness: SessionHarness) -> NullSpeaker:
    """Makes the loudspeaker as slow as a real one, so that there is something to interrupt."""
    assert harness.sound is not None
    speaker = harness.sound.speaker
    assert isinstance(speaker, NullSpeaker)
    speaker.speed = 1.0
    return speaker


# ── interruptions ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("how", ["voice", "key", "typed", "stop"])
async def test_an_interrupted_reply_is_truncated_at_what_was_played(
    tmp_path: Path, how: str
) -> None:
    detection = "manual" if how == "key" else "server_vad"
    async with (
        toy_server() as server,
        fault_proxy(server.url) as proxy,
        running_session(proxy.url, tmp_path, turn_detection=detection) as harness,
    ):
        await harness.until(lambda _: harness.sound is not None)
        speaker = slowly(harness)
        if how == "voice":
            await press(harness)
        harness.session.post(e.TextSubmitted(item_id="q", text=STORY))
        await harness.until(lambda s: s.state is State.SPEAKING)
        if how == "voice":
            await harness.feed(utterance("stop"))
        elif how == "key":
            harness.session.post(e.TalkPressed())
        elif how == "typed":
            harness.session.post(e.TextSubmitted(item_id="q2", text="yes"))
        else:
            harness.session.post(e.StopPressed())
        cut = await harness.event(e.PlaybackInterrupted)
        assert cut.received_ms >= cut.played_ms
        assert abs(speaker.played_ms(cut.item_id) - cut.played_ms) <= 0
        if cut.played_ms:
            truncated = await harness.event(e.ItemTruncated)
            assert (truncated.item_id, truncated.audio_ms) == (cut.item_id, cut.played_ms)
        else:
            assert (await harness.event(e.ItemDeleted)).item_id == cut.item_id
        turn = harness.snapshot.ledger.turns.get(cut.item_id)
        assert turn is not None
        assert (turn.heard_ms, turn.audio_ms >= cut.received_ms) == (cut.played_ms, True)
        speaker.speed = 100.0
        if how == "voice":
            await harness.until(lambda _: harness.turns()[-2:] == both("stop"))
        if how == "typed":
            await harness.until(lambda _: harness.turns()[-1] == ("assistant", "yes"))
    assert not [event for event in harness.events if isinstance(event, e.ServerErred)]


async def test_muting_reaches_the_microphone(tmp_path: Path) -> None:
    async with toy_server() as server, running_session(server.url, tmp_path) as harness:
        await harness.until(lambda _: harness.sound is not None)
        harness.session.post(e.TalkPressed())
        harness.session.post(e.MuteChanged(muted=True))
        await harness.until(lambda s: s.situation.microphone.muted)
        assert harness.sound is not None
        assert harness.sound.microphone.muted
        assert harness.session.meters().microphone == 0.0
        harness.session.post(e.TalkReleased())
        await harness.until(lambda s: not s.situation.microphone.open)
        assert not harness.sound.microphone.muted


# ── the talk key ─────────────────────────────────────────────────────────────────────────────


async def test_a_turn_by_the_talk_key(tmp_path: Path) -> None:
    async with (
        toy_server() as server,
        running_session(server.url, tmp_path, turn_detection="manual") as harness,
    ):
        await press(harness)
        await harness.feed(speech("one two"))
        harness.session.post(e.TalkReleased())
        await harness.until(lambda _: harness.turns() == both("one two"))


async def test_a_key_press_without_speech_is_no_turn(tmp_path: Path) -> None:
    async with (
        toy_server() as server,
        running_session(server.url, tmp_path, turn_detection="manual") as harness,
    ):
        await press(harness)
        await harness.feed(speech("one")[:960])
        harness.session.post(e.TalkReleased())
        await harness.event(e.SpeechDiscarded)
        await harness.until(lambda s: s.state is State.IDLE)
        await press(harness)
        await harness.feed(speech("one two"))
        harness.session.post(e.TalkReleased())
        await harness.until(lambda _: harness.turns() == both("one two"))


# ── outages while somebody speaks ────────────────────────────────────────────────────────────


@pytest.mark.parametrize("by_key", [True, False])
async def test_speech_during_an_outage_is_sent_after_it(tmp_path: Path, by_key: bool) -> None:
    """The connection is lost during a sentence and comes back after its end."""
    detection = "manual" if by_key else "server_vad"
    async with toy_server() as server, fault_proxy(server.url) as proxy:
        session = running_session(proxy.url, tmp_path, turn_detection=detection)
        harness = await session.__aenter__()
        try:
            await harness.say("hello Anna")
            await press(harness)
            await harness.feed(speech("one two"))
            if not by_key:
                await harness.event(e.SpeechStarted)
            harness.endpoint.url = "ws://127.0.0.1:9/v1/realtime"  # no server there
            proxy.cut_oldest()
            await harness.event(e.ConnectionLost)
            await harness.feed(speech("three four"))
            harness.session.post(e.TalkReleased())
            await harness.until(lambda s: not s.situation.microphone.open)
            harness.endpoint.url = server.url
            await harness.until(
                lambda _: harness.turns()[-1] == ("assistant", "one two three four")
            )
            await harness.settled()
            assert [turn.text for turn in harness.snapshot.ledger.turns] == [
                "hello Anna",
                "hello Anna",
                "one two three four",
                "one two three four",
            ]
        finally:
            await session.__aexit__(None, None, None)


async def test_text_typed_during_an_outage_is_answered_after_it(tmp_path: Path) -> None:
    nowhere = "ws://127.0.0.1:9/v1/realtime"
    async with (
        toy_server() as server,
        running_session(nowhere, tmp_path, wait_online=False) as harness,
    ):
        await harness.event(e.ConnectionLost)
        harness.session.post(e.TextSubmitted(item_id="q", text="hello"))
        harness.endpoint.url = server.url
        await harness.until(lambda _: harness.turns() == both("hello"))


async def test_a_reply_that_has_come_is_played_to_its_end_after_a_loss(tmp_path: Path) -> None:
    async with (
        toy_server() as server,
        fault_proxy(server.url) as proxy,
        running_session(proxy.url, tmp_path) as harness,
    ):
        await harness.until(lambda _: harness.sound is not None)
        speaker = slowly(harness)
        harness.session.post(e.TextSubmitted(item_id="q", text="one two three four five six"))
        await harness.event(e.ResponseDone)
        proxy.cut_oldest()
        await harness.event(e.ConnectionLost)
        speaker.speed = 100.0
        played = await harness.event(e.PlaybackFinished)
        turn = harness.snapshot.ledger.turns.get(played.item_id)
        assert turn is not None
        assert (played.played_ms, turn.heard_ms) == (turn.audio_ms, None)
        await harness.settled()


async def test_a_summary_under_way_is_requested_again_after_a_loss(tmp_path: Path) -> None:
    engines = ToyEngines()
    limits = replace(NEVER, policy="notebook", keep=2)
    async with (
        toy_server(engines) as server,
        fault_proxy(server.url) as proxy,
        running_session(proxy.url, tmp_path, limits=limits) as harness,
    ):
        for said in ("hello Anna", "one two", "three four"):
            await harness.say(said)
        harness.session.post(e.SummarisePressed())
        await harness.event(e.SummaryRequested)
        proxy.cut_oldest()
        await harness.event(e.ConnectionLost)
        done = await harness.until(
            lambda s: [c.stage for c in s.ledger.compactions][-1] == "confirmed" and s.ledger.memory
        )
        assert len(done.ledger.compactions) <= 2


# ── failures ─────────────────────────────────────────────────────────────────────────────────


async def test_a_failure_of_the_model_is_reported(tmp_path: Path) -> None:
    async with toy_server() as server, running_session(server.url, tmp_path) as harness:
        harness.session.post(e.TextSubmitted(item_id="q", text="break"))
        notice = await harness.event(e.Noticed)
        await harness.until(lambda s: s.state is State.IDLE)
    assert notice.text == "The model did not answer: The model is broken."
    assert notice.severity == "warning"


async def test_an_error_in_a_background_task_ends_the_session(tmp_path: Path) -> None:
    async def fails(*_callbacks: object) -> SoundDevices:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with (
            toy_server() as server,
            running_session(server.url, tmp_path, open_sound=fails, wait_online=False) as harness,
        ):
            await harness.event(e.Noticed, lambda event: "ZeroDivisionError" in event.text)


async def test_an_item_whose_predecessor_is_gone_is_created_at_the_end(tmp_path: Path) -> None:
    async with toy_server() as server, running_session(server.url, tmp_path) as harness:
        await harness.say("hello")

        async def begin() -> None:
            harness.backend.perform(
                x.CreateItem(item_id="note", role="system", text="n", previous_item_id="gone")
            )

        await asyncio.wrap_future(harness.session.call(begin()))
        placed = await harness.event(e.ItemPlaced, lambda event: event.item_id == "note")
        assert placed
        refused = [
            event for event in harness.events if isinstance(event, e.ItemRefused | e.ServerErred)
        ]
    assert refused == []


async def test_the_notice_of_the_sound_devices_is_shown(tmp_path: Path) -> None:
    async def without_microphone(
        on_frame: Callable[[bytes], None],
        on_finished: Callable[[str, int], None],
        _on_change: object,
    ) -> SoundDevices:
        return SoundDevices(
            NullMicrophone(on_frame), NullSpeaker(None, on_finished), "No microphone."
        )

    async with (
        toy_server() as server,
        running_session(server.url, tmp_path, open_sound=without_microphone) as harness,
    ):
        notice = await harness.event(e.Noticed)
    assert (notice.text, notice.severity) == ("No microphone.", "warning")


async def test_a_microphone_that_is_open_hears_once_the_devices_are_open(tmp_path: Path) -> None:
    may_open = threading.Event()

    async def slow(
        on_frame: Callable[[bytes], None],
        on_finished: Callable[[str, int], None],
        _on_change: object,
    ) -> SoundDevices:
        await asyncio.to_thread(may_open.wait)
        return SoundDevices(NullMicrophone(on_frame), NullSpeaker(None, on_finished))

    async with (
        toy_server() as server,
        running_session(server.url, tmp_path, open_sound=slow) as harness,
    ):
        harness.session.post(e.TalkPressed())
        await harness.until(lambda s: s.situation.microphone.open)
        meters = harness.session.meters()
        assert (meters.opening_sound, meters.has_microphone) == (True, True)
        may_open.set()
        await harness.until_on_loop(lambda: not harness.session.meters().opening_sound)
        assert harness.backend._media.microphone_open
