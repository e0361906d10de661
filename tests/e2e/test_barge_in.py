"""The user interrupts a reply by voice; the app's own voice must not interrupt it."""

from __future__ import annotations

import pytest

from tests.e2e.app_harness import AppUnderTest, StartApp, concerns, is_reply
from tests.e2e.recorded_audio_harness import (
    SpeechEngines,
    find_cut,
    first_utterance,
    ms_since_first_sound,
    rms,
    samples,
)
from tests.e2e.sound_setup_harness import SoundSetup
from tests.server.local.speech_harness import plain

pytestmark = [pytest.mark.local, pytest.mark.sound, pytest.mark.slow]

FACTS = (
    "My sister lives in London, my brother works in Berlin, my dog is called Rex, "
    "my favourite colour is green, my birthday is in October and my budget is 400 euros."
)
QUESTION = "Where does my sister live?"
"""The reply quotes `FACTS`, which takes more than ten seconds to speak."""
SPOKEN_QUESTION = "In which city does my sister live?"
"""The user speaks this during the reply."""


def start_with_open_microphone(
    start_app: StartApp, server: str, sound: SoundSetup, env: dict[str, str] | None = None
) -> AppUnderTest:
    """Returns the app, connected, with an open microphone."""
    app = start_app("--backend", server, env=sound.env | (env or {}))
    app.wait_until_connected()
    sound.wait_for_capture(app)
    app.open_microphone()
    return app


def wait_for_sound(sound: SoundSetup, start: int, ms: float) -> None:
    """Waits until the loudspeaker has played for `ms` milliseconds since byte `start`."""
    assert sound.loudspeaker.wait_for(lambda pcm: ms_since_first_sound(pcm, start) > ms)


def common_words(recognised: str) -> int:
    """Returns how many different words of `SPOKEN_QUESTION` were recognised."""
    return len(set(plain(SPOKEN_QUESTION)) & set(plain(recognised)))


def test_a_spoken_question_interrupts_the_reply_and_is_answered(
    start_app: StartApp, embedded_server: str, sound: SoundSetup, engines: SpeechEngines
) -> None:
    app = start_with_open_microphone(start_app, embedded_server, sound)
    app.ask(FACTS)
    before, start = len(app.journal()), len(sound.loudspeaker.pcm)
    app.submit(QUESTION)
    wait_for_sound(sound, start, 1500)
    reply = app.events("audio_received", before)[0]["item_id"]
    app.wait_for_state("speaking")
    sound.speak(sound.synthesize(SPOKEN_QUESTION, "rms"))

    # The reply is truncated on the server where its playback was cut.
    interrupted = app.wait_for_event("playback_interrupted", after=before)
    assert interrupted["item_id"] == reply
    turn = app.wait_for_event("speech_committed", after=before)["item_id"]
    truncated = app.wait_for_event("item_truncated", after=before)
    assert truncated["item_id"] == reply
    assert truncated["audio_ms"] == interrupted["played_ms"]
    # The loudspeaker was silent before the user had finished: for 24,000 samples, a second.
    played = first_utterance(samples(sound.loudspeaker, start))
    assert len(played) < len(samples(sound.loudspeaker, start)) - 24_000
    clauses = [e["text"] for e in app.events("transcript_grew") if e["item_id"] == reply]
    cut = find_cut(engines.synthesize(clauses), played)
    assert cut.correlation > 0.9, (cut, clauses)
    assert cut.earliest - 100 <= truncated["audio_ms"] <= cut.latest + 100, (cut, truncated)
    # The screen marks the reply as interrupted, and shows the answer to the new turn.
    wait_for_answer(app, turn)
    app.wait_for("interrupted at")


def wait_for_answer(app: AppUnderTest, turn: str) -> None:
    """Waits until the answer to the spoken turn is on the screen, and checks it."""
    answer_id = app.wait_for_event(
        "turn_added", lambda event: is_reply(event) and event.get("previous_item_id") == turn
    )["item_id"]
    question = app.wait_for_event("transcript_done", concerns(turn))["text"]
    answer = app.wait_for_event("transcript_done", concerns(answer_id))["text"]
    # While both speak, some words may be lost. If none is, the answer must be right.
    assert common_words(question) >= 2, question
    assert "London" in answer or plain(question) != plain(SPOKEN_QUESTION), (question, answer)
    app.wait_until_shown(answer)


def test_a_muted_microphone_captures_no_speech(
    start_app: StartApp, embedded_server: str, sound: SoundSetup
) -> None:
    app = start_with_open_microphone(start_app, embedded_server, sound)
    app.press("f4")
    app.wait_for("muted")
    start = len(sound.microphone.pcm)
    sound.speak(sound.synthesize(SPOKEN_QUESTION, "slt"))
    assert rms(samples(sound.microphone, start)) > 0.005
    app.wait_for("You are speaking, and you are muted")
    app.press("escape")  # dismisses it
    app.ask("My dog is called Rex.")
    assert not app.events("speech_started")
    app.press("f4")
    app.wait_until(lambda: "muted" not in app.text, "a microphone that is not muted")
    sound.speak(sound.synthesize(SPOKEN_QUESTION, "slt"))
    app.wait_for_event("speech_started")


def play_reply_with_open_microphone(
    app: AppUnderTest, sound: SoundSetup
) -> tuple[float, list[str]]:
    """Returns the RMS (0.0 to 1.0) that the microphone recorded during one reply, and the names
    of the events until the end of its playback.
    """
    before, start = len(app.journal()), len(sound.microphone.pcm)
    app.submit(FACTS)
    reply = app.wait_for_event("audio_received", after=before)["item_id"]
    app.wait_until(
        lambda: any(
            event["item_id"] == reply
            for name in ("playback_finished", "playback_interrupted")
            for event in app.events(name, before)
        ),
        "the end of the reply",
    )
    names = [event["event"] for event in app.journal()[before:]]
    return rms(samples(sound.microphone, start)), names


def test_the_echo_of_a_reply_does_not_interrupt_it(
    start_app: StartApp, embedded_server: str, sound: SoundSetup
) -> None:
    sound.server.join_speaker_to_microphone()
    app = start_with_open_microphone(start_app, embedded_server, sound)
    for reply in range(2):  # during the first one the echo canceller does not know the echo yet
        level, names = play_reply_with_open_microphone(app, sound)
        assert level > 0.005, "the microphone did not record the reply"
        assert not {"speech_started", "playback_interrupted"} & set(names), (reply, names)


def test_the_echo_of_a_reply_does_not_interrupt_it_where_its_delay_jumps(
    start_app: StartApp, embedded_server: str, sound: SoundSetup
) -> None:
    joining = sound.server.join_with_jumps()
    app = start_with_open_microphone(start_app, embedded_server, sound)
    for reply in range(2):
        level, names = play_reply_with_open_microphone(app, sound)
        assert level > 0.005, "the microphone did not record the reply"
        assert not {"speech_started", "playback_interrupted"} & set(names), (reply, names)
    joining.terminate()
    assert joining.communicate(timeout=10)[0].count("jump") >= 2


def test_a_spoken_question_interrupts_the_reply_beside_its_echo(
    start_app: StartApp, embedded_server: str, sound: SoundSetup
) -> None:
    sound.server.join_speaker_to_microphone()
    app = start_with_open_microphone(start_app, embedded_server, sound)
    app.ask("My dog is called Rex.")
    app.ask(FACTS)
    before, start = len(app.journal()), len(sound.loudspeaker.pcm)
    app.submit(QUESTION)
    wait_for_sound(sound, start, 1500)
    assert not app.events("speech_started", before)
    sound.speak(sound.synthesize(SPOKEN_QUESTION, "awb"))
    app.wait_for_event("playback_interrupted", after=before)
    turn = app.wait_for_event("speech_committed", after=before)["item_id"]
    question = app.wait_for_event("transcript_done", concerns(turn), before)["text"]
    # While both speak equally loud, the echo canceller removes many words, but not all.
    assert common_words(question) >= 2, question


def test_without_echo_cancellation_the_reply_is_captured(
    start_app: StartApp, embedded_server: str, sound: SoundSetup
) -> None:
    """The room of these tests has an echo, so the tests with the canceller show what it does."""
    sound.server.join_speaker_to_microphone()
    env = {"TUI_VOICE_AUDIO_ECHO_CANCELLATION": "false"}
    app = start_with_open_microphone(start_app, embedded_server, sound, env)
    start = len(sound.microphone.pcm)
    app.submit(FACTS)
    app.wait_for_event("audio_received")
    app.wait_until(lambda: rms(samples(sound.microphone, start)) > 0.005, "the echo")
