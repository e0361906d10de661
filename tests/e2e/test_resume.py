"""A session that ended, by quitting or by a SIGKILL during a reply, is resumed."""

from __future__ import annotations

import pytest

from tests.e2e.app_harness import StartApp, read_journal, wait_until_ended
from tests.e2e.recorded_audio_harness import ms_since_first_sound
from tests.e2e.sound_setup_harness import SoundSetup

pytestmark = [pytest.mark.local, pytest.mark.sound, pytest.mark.slow]


def test_a_session_killed_during_a_reply_is_resumed_without_loss(
    start_app: StartApp, sound: SoundSetup
) -> None:
    app = start_app("--backend", "local", env=sound.env)
    app.wait_until_connected()
    first_reply = app.ask("Hello, my name is Anna.")
    question = "My sister lives in London, my brother works in Berlin and my dog is called Rex."
    before, start = len(app.journal()), len(sound.loudspeaker.pcm)
    app.submit(question)
    app.wait_until(
        lambda: ms_since_first_sound(sound.loudspeaker.pcm, start) > 800,
        "the reply from the loudspeaker",
    )
    reply = app.newest_reply(before)
    children = app.child_processes()
    assert children, "the embedded server is a process of its own"
    app.kill()

    # The journal has everything so far, and the words of the reply that had been received.
    path = app.journal_path
    events = read_journal(path)
    assert events[-1]["event"] not in ("playback_finished", "session_closed")
    wait_until_ended(children)

    resumed = start_app("resume", path.stem, "--backend", "local", env=sound.env)
    resumed.wait_until_connected()
    for text in ("Hello, my name is Anna.", first_reply, question, reply):
        resumed.wait_until_shown(text)
    answer = resumed.ask("What is my name?")
    assert "Anna" in answer
    resumed.wait_until_shown(answer)
    assert read_journal(path)[: len(events)] == events
    assert resumed.journal_path == path
    assert f"tui-voice resume {path.stem}" in resumed.quit()


def test_continue_resumes_the_newest_session(start_app: StartApp) -> None:
    app = start_app("--text", "--backend", "local")
    app.wait_until_connected()
    app.ask("Hello, my name is Anna.")
    path = app.journal_path
    app.quit()
    resumed = start_app("--text", "--backend", "local", "--continue")
    resumed.wait_until_connected()
    resumed.wait_until_shown("Hello, my name is Anna.")
    assert resumed.journal_path == path
