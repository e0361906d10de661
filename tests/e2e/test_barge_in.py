"""Talking over the reply, and not being interrupted by one's own loudspeaker."""

from __future__ import annotations

import pytest

from tests.e2e.heard import Ear, first_utterance, loudness, samples, sounding_ms, where_cut
from tests.e2e.room import Room
from tests.e2e.talk import Start, Talk
from tests.server.local.speech_harness import plain

pytestmark = [pytest.mark.local, pytest.mark.sound, pytest.mark.slow]

FACTS = (
    "My sister lives in London, my brother works in Berlin, my dog is called Rex, "
    "my favourite colour is green, my birthday is in October and my budget is 400 euros."
)
ASKED = "Where does my sister live?"
"""The reply quotes `FACTS`, which takes long enough to be interrupted."""
OVER = "In which city does my sister live?"


def ready(start: Start, room: Room, env: dict[str, str] | None = None) -> Talk:
    """A talk with an open microphone whose engines are loaded."""
    talk = start("--backend", "local", env=room.env | (env or {}))
    talk.online()
    room.listens(talk)
    talk.open_microphone()
    return talk


def talk_over(talk: Talk, room: Room, ear: Ear) -> None:
    """Interrupts a long reply by voice, and compares what was truncated with what was played."""
    talk.ask(FACTS)
    before, at = len(talk.journal()), len(room.loudspeaker.pcm)
    talk.type_line(ASKED)
    assert room.loudspeaker.wait_for(lambda pcm: sounding_ms(pcm, at) > 1500)
    reply = talk.facts("audio_received", before)[0]["item_id"]
    talk.wait_for_state("speaking")
    room.say(room.voice(OVER, "rms"))

    cut = talk.fact("playback_interrupted", after=before)
    assert cut["item_id"] == reply
    committed = talk.fact("speech_committed", after=before)["item_id"]
    truncated = talk.fact("item_truncated", after=before)
    assert truncated["item_id"] == reply
    assert truncated["audio_ms"] == cut["played_ms"]
    # The loudspeaker fell silent while the user was still speaking: a second of nothing, at least.
    heard = first_utterance(samples(room.loudspeaker, at))
    assert len(heard) < len(samples(room.loudspeaker, at)) - 24_000
    clauses = [fact["text"] for fact in talk.facts("transcript_grew") if fact["item_id"] == reply]
    found = where_cut(ear.as_spoken(clauses), heard)
    assert found.likeness > 0.9, (found, clauses)
    assert found.least - 100 <= truncated["audio_ms"] <= found.most + 100, (found, truncated)
    # Both are on the screen: what was cut is marked, and the new turn is answered.
    answered(talk, committed)
    talk.wait_for("interrupted at")


def answered(talk: Talk, turn: str) -> None:
    """Waits for the answer to what was said over the reply; it must come to the screen."""
    reply = talk.fact(
        "turn_added", lambda f: f["role"] == "assistant" and f.get("previous_item_id") == turn
    )["item_id"]
    mine, answer = (
        talk.fact("transcript_done", lambda f, one=one: f["item_id"] == one)["text"]
        for one in (turn, reply)
    )
    # Not every word gets through while both speak; when all did, the question was understood.
    assert len(set(plain(OVER)) & set(plain(mine))) >= 2, mine
    assert "London" in answer or plain(mine) != plain(OVER), (mine, answer)
    talk.until(lambda: talk.shows(answer), f"{answer!r} on the screen")


def test_who_talks_over_the_reply_is_heard_and_answered(start: Start, room: Room, ear: Ear) -> None:
    talk = ready(start, room)
    talk_over(talk, room, ear)


def test_muted_nothing_is_heard(start: Start, room: Room) -> None:
    talk = ready(start, room)
    talk.press("m")
    talk.wait_for("muted")
    at = len(room.microphone.pcm)
    room.say(room.voice(OVER, "slt"))
    assert loudness(samples(room.microphone, at)) > 0.005
    talk.ask("My dog is called Rex.")
    assert not talk.facts("speech_started")
    talk.leave_line()
    talk.press("m")
    talk.until(lambda: "muted" not in talk.text, "sound again")
    room.say(room.voice(OVER, "slt"))
    talk.fact("speech_started")


def echo_heard(talk: Talk, room: Room) -> tuple[float, list[str]]:
    """Lets a reply be played into the open microphone: how loud it came in there, and which facts
    followed until it was over.
    """
    before, at = len(talk.journal()), len(room.microphone.pcm)
    talk.type_line(FACTS)
    reply = talk.fact("audio_received", after=before)["item_id"]
    talk.until(
        lambda: any(
            fact["item_id"] == reply
            for name in ("playback_finished", "playback_interrupted")
            for fact in talk.facts(name, before)
        ),
        "the end of the reply",
    )
    facts = [fact["event"] for fact in talk.journal()[before:]]
    return loudness(samples(room.microphone, at)), facts


def test_its_own_voice_does_not_interrupt_it(start: Start, room: Room) -> None:
    room.sound.join_speaker_to_microphone()
    talk = ready(start, room)
    for reply in range(3):  # the first one too, when nothing is known of the room
        level, facts = echo_heard(talk, room)
        assert level > 0.005, "nothing of the reply came to the microphone"
        assert not {"speech_started", "playback_interrupted"} & set(facts), (reply, facts)


def test_who_talks_over_the_reply_is_heard_beside_its_echo(start: Start, room: Room) -> None:
    room.sound.join_speaker_to_microphone()
    talk = ready(start, room)
    talk.ask("My dog is called Rex.")
    talk.ask(FACTS)
    before, at = len(talk.journal()), len(room.loudspeaker.pcm)
    talk.type_line(ASKED)
    assert room.loudspeaker.wait_for(lambda pcm: sounding_ms(pcm, at) > 1500)
    assert not talk.facts("speech_started", before)
    room.say(room.voice(OVER, "awb"))
    talk.fact("playback_interrupted", after=before)
    turn = talk.fact("speech_committed", after=before)["item_id"]
    mine = talk.fact("transcript_done", lambda f: f["item_id"] == turn, before)["text"]
    # While both speak equally loud, many words are taken for echo; never all of them.
    assert len(set(plain(OVER)) & set(plain(mine))) >= 2, mine


def test_without_cancellation_it_would(start: Start, room: Room) -> None:
    room.sound.join_speaker_to_microphone()
    talk = ready(start, room, {"TUI_VOICE_AUDIO_ECHO_CANCELLATION": "false"})
    level, facts = echo_heard(talk, room)
    assert level > 0.005
    assert "playback_interrupted" in facts, "the loop that the test above trusts is not there"
