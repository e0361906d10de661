"""The first session of a new user, with real sound in both directions and nothing replaced."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.app_harness import AppUnderTest, StartApp, concerns, read_journal
from tests.e2e.recorded_audio_harness import (
    SpeechEngines,
    is_silent,
    ms_since_first_sound,
    samples,
)
from tests.e2e.sound_setup_harness import SoundSetup
from tests.requirements_harness import require
from tests.server.local.speech_harness import DATA, word_errors

pytestmark = [pytest.mark.local, pytest.mark.sound, pytest.mark.slow]

SENTENCE = "My sister lives in London and she has two children."
RECORDING = "librivox/sense_and_sensibility_01_austen_64kb-0880.wav"
RECORDED_WORDS = "he was not an ill disposed young man"


def speak_turn(app: AppUnderTest, sound: SoundSetup, wav: Path, words: str) -> str:
    """Speaks a turn, waits until its text is on the screen, and returns that text."""
    before = len(app.journal())
    sound.speak(wav)
    turn = app.wait_for_event("speech_committed", after=before)["item_id"]
    text = str(app.wait_for_event("transcript_done", concerns(turn))["text"])
    wrong, total = word_errors(words, text)
    assert wrong / total <= 0.35, (words, text)
    app.wait_until_shown(text)
    return text


def check_that_loudspeaker_played(
    sound: SoundSetup, engines: SpeechEngines, start: int, reply: str
) -> None:
    """Compares what the loudspeaker played since byte `start` with the text of the reply."""
    assert sound.loudspeaker.wait_for(lambda pcm: is_silent(pcm, 300))
    played = samples(sound.loudspeaker, start)
    assert engines.error_rate(reply, played) <= 0.2, (reply, engines.transcribe(played))


def test_a_new_user_speaks_and_types_and_gets_answers(
    start_app: StartApp, sound: SoundSetup, engines: SpeechEngines
) -> None:
    app = start_app("--backend", "local", env=sound.env)
    app.wait_for("local")
    app.wait_until_connected()
    assert app.state == "idle"
    sound.wait_for_capture(app)
    app.open_microphone()

    # A spoken turn: question and reply are shown in order, and the reply is played.
    before, drawn, start = len(app.journal()), len(app.raw), len(sound.loudspeaker.pcm)
    question = speak_turn(app, sound, sound.synthesize(SENTENCE), SENTENCE)
    app.wait_for_event("playback_finished", after=before)
    app.wait_for_state("idle")
    reply = app.newest_reply(before)
    app.wait_until_shown(reply)
    assert app.transcript.index(question[:12]) < app.transcript.index(reply[:12])
    names = [event["event"] for event in app.journal()[before:]]
    order = ["speech_started", "speech_stopped", "audio_received", "playback_finished"]
    assert [names.index(name) for name in order] == sorted(names.index(name) for name in order)
    states = app.states_after(drawn)
    # "awaiting response" may last for less than a frame and is then not drawn.
    assert states[states.index("listening") :] in (
        ["listening", "awaiting response", "speaking", "idle"],
        ["listening", "speaking", "idle"],
    )
    check_that_loudspeaker_played(sound, engines, start, reply)
    stopped = next(event for event in app.journal()[before:] if event["event"] == "speech_stopped")
    assert 350 < stopped["silence_ms"] < 2_000  # the server waits for 500 ms of silence

    # A turn of a real person, whose answer Esc stops.
    require(DATA.is_dir(), "no recorded voice: apt install pocketsphinx-testdata")
    before, start = len(app.journal()), len(sound.loudspeaker.pcm)
    speak_turn(app, sound, sound.recording(RECORDING), RECORDED_WORDS)
    assert sound.loudspeaker.wait_for(lambda pcm: ms_since_first_sound(pcm, start) > 300)
    app.press("escape")
    assert app.wait_for_event("playback_interrupted", after=before)["played_ms"] > 0
    app.wait_for_state("idle")
    assert sound.loudspeaker.wait_for(lambda pcm: is_silent(pcm, 1500))

    # A typed turn, while the microphone is open.
    start = len(sound.loudspeaker.pcm)
    answer = app.ask("Where does my sister live?")
    heard = question.partition(" in ")[2].partition(" and")[0]  # a recogniser may err: "Linden"
    assert heard
    assert heard in answer
    app.wait_until_shown(answer)
    check_that_loudspeaker_played(sound, engines, start, answer)
    assert "awaiting response" in app.states_after(drawn)

    # At the end the app prints how to resume the session; the journal is complete and private.
    path = app.journal_path
    printed = app.quit()
    assert f"saved as {path.stem}." in printed
    assert re.search(rf"tui-voice resume {path.stem}\b", printed), printed
    events = read_journal(path)
    assert [events[0]["event"], events[-1]["event"]] == ["session_opened", "session_closed"]
    assert [events[0]["id"], events[0]["backend"]] == [path.stem, "local"]
    assert path.stat().st_mode & 0o777 == 0o600
    usages = [event["usage"] for event in events if event["event"] == "response_done"]
    assert len(usages) == 3
    assert all(usage["output_audio"] > 0 for usage in usages)
    assert any(usage.get("input_audio") for usage in usages)
