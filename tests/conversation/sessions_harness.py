"""Sessions that tests begin with: recorded ones, and ones just before or after a pruning."""

from __future__ import annotations

from tests.conversation.conversation_harness import MODEL, ConversationHarness
from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.reducers import fold
from tui_voice.conversation.turns import ITEM_OVERHEAD
from tui_voice.languages.token_estimate import estimate_text_tokens

NOTEBOOK = Limits(900, 2, policy="notebook")
NO_PRUNING = Limits(policy="none")


def summary_due() -> ConversationHarness:
    """A session whose first summary was requested and is not written yet."""
    harness = ConversationHarness(NOTEBOOK)
    while not harness.summary_requests:
        harness.at += 1
        harness.speak()
        harness.deliver_all()
        harness.finish_playback()
    return harness


def pruned_session() -> ConversationHarness:
    """A session whose first pruning is done."""
    harness = summary_due()
    harness.run_until_quiet()
    assert harness.ledger.memory
    return harness


def spoken_session(exchanges: int, *more: e.Event, at: float = 0.0, ms: int = 5_000) -> Ledger:
    """A spoken session without any pruning, online, its last reply just played.

    Each side speaks `ms` milliseconds per exchange. `more`: events at its end.
    """
    events: list[e.Event] = [
        e.SessionOpened(id="t", started="2026-01-01T00:00:00+00:00", backend="b", model=MODEL),
        e.ConnectionOpened(),
    ]
    text, audio = 200, 0
    cached = (0, 0)
    words = "more words " * 5
    for n in range(exchanges):
        at += 10
        text, audio = text + ITEM_OVERHEAD, audio + ms // 100
        usage = e.Usage(
            input_text=text,
            input_audio=audio,
            cached_text=cached[0],
            cached_audio=cached[1],
            output_text=ITEM_OVERHEAD + estimate_text_tokens(words),
            output_audio=ms // 50,
        )
        cached = text, audio
        events += [
            e.SpeechStarted(item_id=f"u{n}", at=at),
            e.SpeechStopped(item_id=f"u{n}", at=at, audio_ms=ms),
            e.TranscriptDone(item_id=f"u{n}", at=at, text="some words " * 3),
            e.TurnAdded(item_id=f"a{n}", at=at, role="assistant", previous_item_id=f"u{n}"),
            e.AudioReceived(item_id=f"a{n}", at=at, audio_ms=ms),
            e.TranscriptDone(item_id=f"a{n}", at=at, text=words),
            e.ResponseDone(response_id=f"r{n}", at=at, usage=usage, usd=0.01),
            e.PlaybackFinished(item_id=f"a{n}", at=at),
        ]
        text, audio = text + usage.output_text, audio + usage.output_audio
    return fold([*events, *more])
