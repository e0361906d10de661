"""The first talk of a newcomer: real sound in, real sound out, nothing in between is replaced."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.heard import Ear, is_quiet, samples, sounding_ms
from tests.e2e.room import Room, need
from tests.e2e.talk import Start, Talk, read
from tests.server.local.speech_harness import DATA, word_errors

pytestmark = [pytest.mark.local, pytest.mark.sound, pytest.mark.slow]

SPOKEN = "My sister lives in London and she has two children."
PERSON = (
    "librivox/sense_and_sensibility_01_austen_64kb-0880.wav",
    "he was not an ill disposed young man",
)


def say(talk: Talk, room: Room, wav: Path, words: str) -> str:
    """Speaks a turn; its words must come to the screen. Returns them."""
    before = len(talk.journal())
    room.say(wav)
    turn = talk.fact("speech_committed", after=before)["item_id"]
    mine = str(talk.fact("transcript_done", lambda fact: fact["item_id"] == turn)["text"])
    wrong, total = word_errors(words, mine)
    assert wrong / total <= 0.35, (words, mine)
    talk.until(lambda: talk.shows(mine), f"{mine!r} on the screen")
    return mine


def heard_as_shown(room: Room, ear: Ear, since: int, reply: str) -> None:
    """What came out of the loudspeaker since byte `since` is what the screen says."""
    assert room.loudspeaker.wait_for(lambda pcm: is_quiet(pcm, 300))
    sound = samples(room.loudspeaker, since)
    assert ear.error_rate(reply, sound) <= 0.2, (reply, ear.words(sound))


def in_order(states: list[str]) -> bool:
    """Each state after the other; one that lasts less than a frame may not have been drawn."""
    turn = states[states.index("listening") :]
    return turn in (
        ["listening", "awaiting response", "speaking", "idle"],
        ["listening", "speaking", "idle"],
    )


def test_a_newcomer_speaks_and_types_and_is_answered(start: Start, room: Room, ear: Ear) -> None:
    talk = start("--backend", "local", env=room.env)
    talk.wait_for("local")
    talk.online()
    assert talk.state == "idle"
    room.listens(talk)
    talk.open_microphone()

    # Spoken: both sides on the screen in order, the states one after the other, the reply heard.
    before, drawn, at = len(talk.journal()), len(talk.raw), len(room.loudspeaker.pcm)
    mine = say(talk, room, room.voice(SPOKEN), SPOKEN)
    talk.fact("playback_finished", after=before)
    talk.wait_for_state("idle")
    reply = talk.answer(before)
    talk.until(lambda: talk.shows(reply), f"{reply!r} on the screen")
    assert talk.shown.index(mine[:12]) < talk.shown.index(reply[:12])
    names = [fact["event"] for fact in talk.journal()[before:]]
    order = ["speech_started", "speech_stopped", "audio_received", "playback_finished"]
    assert [names.index(name) for name in order] == sorted(names.index(name) for name in order)
    assert in_order(talk.states_after(drawn)), talk.states_after(drawn)
    heard_as_shown(room, ear, at, reply)

    # A real person; Esc stops the answer.
    need(DATA.is_dir(), "no real voice: apt install pocketsphinx-testdata")
    before, at = len(talk.journal()), len(room.loudspeaker.pcm)
    say(talk, room, room.recording(PERSON[0]), PERSON[1])
    assert room.loudspeaker.wait_for(lambda pcm: sounding_ms(pcm, at) > 300)
    talk.press("escape")
    assert talk.fact("playback_interrupted", after=before)["played_ms"] > 0
    talk.wait_for_state("idle")
    assert room.loudspeaker.wait_for(lambda pcm: is_quiet(pcm, 1500))

    # Typed, while the microphone is open.
    at = len(room.loudspeaker.pcm)
    answer = talk.ask("Where does my sister live?")
    assert "London" in answer
    talk.until(lambda: talk.shows(answer), f"{answer!r} on the screen")
    heard_as_shown(room, ear, at, answer)

    assert "awaiting response" in talk.states_after(drawn)

    path = talk.path
    printed = talk.quit()
    assert f"saved as {path.stem}." in printed
    assert re.search(rf"tui-voice resume {path.stem}\b", printed), printed
    facts = read(path)
    assert [facts[0]["event"], facts[-1]["event"]] == ["session_opened", "session_closed"]
    assert [facts[0]["id"], facts[0]["backend"]] == [path.stem, "local"]
    assert path.stat().st_mode & 0o777 == 0o600
    usages = [fact["usage"] for fact in facts if fact["event"] == "response_done"]
    assert len(usages) == 3
    assert all(usage["output_audio"] > 0 for usage in usages)
    assert any(usage.get("input_audio") for usage in usages)
