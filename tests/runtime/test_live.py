"""Talking, live: interruptions, the talk key, outages in the middle of a sentence, and failures."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.proxy_harness import between
from tests.runtime.session_harness import (
    NEVER,
    SessionHarness,
    running_session,
    toy_server,
    utterance,
)
from tests.server.toy_engines_harness import ToyEngines, speech
from tui_voice.audio.null import NullMicrophone, NullSpeaker
from tui_voice.audio.sound import Sound
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.states import State
from tui_voice.runtime.outbox import Outbox

STORY = "count 60"
"""The parrot then speaks for ten seconds; the speaker here plays a hundred times as fast."""


def both(words: str) -> list[tuple[str, str]]:
    """What the user said and the parrot repeated."""
    return [("user", words), ("assistant", words)]


async def press(harness: SessionHarness) -> None:
    harness.session.post(e.TalkPressed())
    await harness.until(lambda s: s.microphone_open)


def slowly(harness: SessionHarness) -> NullSpeaker:
    """Lets the speaker play as slowly as a real one, so that there is something to interrupt."""
    assert harness.sound is not None
    speaker = harness.sound.speaker
    assert isinstance(speaker, NullSpeaker)
    speaker._speed = 1.0
    return speaker


# ── interruptions ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("how", ["voice", "key", "typed", "stop"])
async def test_a_reply_that_is_interrupted_is_cut_where_it_was_heard(
    tmp_path: Path, how: str
) -> None:
    detection = "manual" if how == "key" else "server_vad"
    async with (
        toy_server() as server,
        between(server.url) as proxy,
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
            told = await harness.event(e.ItemTruncated)
            assert (told.item_id, told.audio_ms) == (cut.item_id, cut.played_ms)
        else:
            assert (await harness.event(e.ItemDeleted)).item_id == cut.item_id
        turn = harness.snapshot.ledger.turns.get(cut.item_id)
        assert turn is not None
        assert (turn.heard_ms, turn.audio_ms >= cut.received_ms) == (cut.played_ms, True)
        speaker._speed = 100.0
        if how == "voice":
            await harness.until(lambda _: harness.turns()[-2:] == both("stop"))
        if how == "typed":
            await harness.until(lambda _: harness.turns()[-1] == ("assistant", "yes"))
    assert not [fact for fact in harness.events if isinstance(fact, e.ServerErred)]


async def test_muting_reaches_the_microphone(tmp_path: Path) -> None:
    async with toy_server() as server, running_session(server.url, tmp_path) as harness:
        await harness.until(lambda _: harness.sound is not None)
        harness.session.post(e.MuteChanged(muted=True))
        await harness.until(lambda s: s.muted)
        assert harness.sound is not None
        assert harness.sound.microphone.muted
        assert harness.session.meters().microphone == 0.0


# ── the talk key ─────────────────────────────────────────────────────────────────────────────


async def test_a_turn_by_key(tmp_path: Path) -> None:
    async with (
        toy_server() as server,
        running_session(server.url, tmp_path, turn_detection="manual") as harness,
    ):
        await press(harness)
        await harness.feed(speech("one two"))
        harness.session.post(e.TalkReleased())
        await harness.until(lambda _: harness.turns() == both("one two"))


async def test_a_tap_on_the_key_is_no_turn(tmp_path: Path) -> None:
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


# ── outages in the middle of a sentence ──────────────────────────────────────────────────────


@pytest.mark.parametrize("by_key", [True, False])
async def test_what_is_said_while_there_is_no_line_is_heard_in_the_end(
    tmp_path: Path, by_key: bool
) -> None:
    """The line breaks in the middle of a sentence, stays away until after its end, comes back."""
    detection = "manual" if by_key else "server_vad"
    async with toy_server() as server, between(server.url) as proxy:
        bench_talk = running_session(proxy.url, tmp_path, turn_detection=detection)
        harness = await bench_talk.__aenter__()
        try:
            await harness.say("hello Anna")
            await press(harness)
            await harness.feed(speech("one two"))
            if not by_key:
                await harness.event(e.SpeechStarted)
            harness.endpoint.url = "ws://127.0.0.1:9/v1/realtime"  # nobody answers there
            proxy.cut_oldest()
            await harness.event(e.ConnectionLost)
            await harness.feed(speech("three four"))
            harness.session.post(e.TalkReleased())
            await harness.until(lambda s: not s.microphone_open)
            harness.endpoint.url = server.url
            await harness.until(
                lambda _: harness.turns()[-1] == ("assistant", "one two three four")
            )
            await harness.settled()
            worded = [turn for turn in harness.snapshot.ledger.turns if turn.text]
            assert [turn.text for turn in worded] == [
                "hello Anna",
                "hello Anna",
                "one two three four",
                "one two three four",
            ]
            gaps = [turn for turn in harness.snapshot.ledger.turns if not turn.text]
            assert len(gaps) == (0 if by_key else 1)
            assert all(turn.note for turn in gaps)
        finally:
            await bench_talk.__aexit__(None, None, None)


async def test_words_typed_while_there_is_no_line_are_answered_in_the_end(tmp_path: Path) -> None:
    nowhere = "ws://127.0.0.1:9/v1/realtime"
    async with (
        toy_server() as server,
        running_session(nowhere, tmp_path, wait_online=False) as harness,
    ):
        await harness.event(e.ConnectionLost)
        harness.session.post(e.TextSubmitted(item_id="q", text="hello"))
        harness.endpoint.url = server.url
        await harness.until(lambda _: harness.turns() == both("hello"))


async def test_a_reply_that_has_come_is_played_although_the_line_breaks(tmp_path: Path) -> None:
    async with (
        toy_server() as server,
        between(server.url) as proxy,
        running_session(proxy.url, tmp_path) as harness,
    ):
        await harness.until(lambda _: harness.sound is not None)
        speaker = slowly(harness)
        harness.session.post(e.TextSubmitted(item_id="q", text="one two three four five six"))
        await harness.event(e.ResponseDone)
        proxy.cut_oldest()
        await harness.event(e.ConnectionLost)
        speaker._speed = 100.0
        played = await harness.event(e.PlaybackFinished)
        turn = harness.snapshot.ledger.turns.get(played.item_id)
        assert turn is not None
        assert (played.played_ms, turn.heard_ms) == (turn.audio_ms, None)
        await harness.settled()


async def test_a_summary_under_way_is_asked_for_again(tmp_path: Path) -> None:
    engines = ToyEngines()
    limits = replace(NEVER, policy="notebook", keep=2)
    async with (
        toy_server(engines) as server,
        between(server.url) as proxy,
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


async def test_a_model_that_fails_is_told(tmp_path: Path) -> None:
    async with toy_server() as server, running_session(server.url, tmp_path) as harness:
        harness.session.post(e.TextSubmitted(item_id="q", text="break"))
        told = await harness.event(e.Noticed)
        await harness.until(lambda s: s.state is State.IDLE)
    assert told.text == "The model did not answer: The model is broken."
    assert told.severity == "warning"


async def test_an_error_in_what_runs_beside_the_line_ends_the_talk(tmp_path: Path) -> None:
    async with toy_server() as server, running_session(server.url, tmp_path) as harness:

        async def begin() -> None:
            harness.backend._spawn(broken())  # as opening the sound is

        await asyncio.wrap_future(harness.session.call(begin()))
        await harness.event(e.Noticed, lambda fact: "ZeroDivisionError" in fact.text)
        with pytest.raises(ZeroDivisionError):
            await harness.close()


async def broken() -> None:
    raise ZeroDivisionError


async def test_an_item_whose_place_is_gone_is_put_at_the_end(tmp_path: Path) -> None:
    async with toy_server() as server, running_session(server.url, tmp_path) as harness:
        await harness.say("hello")

        async def begin() -> None:
            harness.backend.perform(
                x.CreateItem(item_id="note", role="system", text="n", previous_item_id="gone")
            )

        await asyncio.wrap_future(harness.session.call(begin()))
        placed = await harness.event(e.ItemPlaced, lambda fact: fact.item_id == "note")
        assert placed
        refused = [
            fact for fact in harness.events if isinstance(fact, e.ItemRefused | e.ServerErred)
        ]
    assert refused == []


async def test_what_the_sound_has_to_say_is_told(tmp_path: Path) -> None:
    async with (
        toy_server() as server,
        running_session(server.url, tmp_path, wait_online=False) as harness,
    ):
        opened = harness.backend._open_sound

        async def ends(on_frame: Callable[[bytes], None], on_finished: Any) -> Sound:
            return Sound(NullMicrophone(on_frame), NullSpeaker(None, on_finished), "No microphone.")

        assert opened
        await harness.online()
        harness.backend._open_sound = ends
        await asyncio.wrap_future(harness.session.call(harness.backend._prepare_sound()))
        told = await harness.event(e.Noticed)
    assert (told.text, told.severity) == ("No microphone.", "warning")


async def test_sound_that_waits_too_long_is_left_out_but_no_message_is() -> None:
    outbox = Outbox(sound_kept=2)
    outbox.put(b"message 1")
    for number in range(4):
        outbox.put(b"sound %d" % number, sound=True)
    outbox.put(b"message 2")
    got = [await outbox.get() for _ in range(4)]
    assert got == [b"message 1", b"sound 2", b"sound 3", b"message 2"]
    assert outbox.dropped == 2
    waiting = asyncio.create_task(outbox.get())
    await asyncio.sleep(0)
    outbox.put(b"late")
    assert await waiting == b"late"
