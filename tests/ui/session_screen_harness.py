"""What the tests of the session screen's keys share: its parts, a session at rest, the footer."""

from __future__ import annotations

from tests.ui.conftest import AppUnderTest
from tests.ui.scripted_session_harness import ScriptedSession, kyoto_session, session_opened
from tui_voice.conversation import events as e
from tui_voice.ui.widgets.footer import KeyHintsLine
from tui_voice.ui.widgets.transcript import Transcript

TABS = {"prompt": 0, "transcript": 1, "pruning log": 2, "memory": 3}
"""Part of the screen → how often Tab is pressed to get there."""


def without_turns(session: ScriptedSession) -> None:
    """A session in which nothing was said."""
    session.deliver(*session_opened())


def idle(session: ScriptedSession) -> None:
    """The session of Kyoto, in which nothing is spoken."""
    kyoto_session(session)
    session.deliver(
        e.StopPressed(),
        e.PlaybackInterrupted(item_id="a13", played_ms=2000),
        e.ResponseDone(response_id="r13", status="cancelled"),
    )
    session.posted.clear()


def hints(app: AppUnderTest) -> dict[str, str]:
    """Action → word of each key that the footer shows."""
    return {action: word for action, _, word in app.query_one(KeyHintsLine).hints}


def lit_words(transcript: Transcript) -> list[str]:
    """The words on the screen that are lit because they were searched."""
    style = transcript._lines.look.styles["live-user"]
    return [
        segment.text
        for y in range(transcript.size.height)
        for segment in transcript.render_line(y)
        if segment.style and segment.style.bgcolor == style.bgcolor
    ]
