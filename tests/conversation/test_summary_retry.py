"""A failed summary is not asked for again at once, however long it took to fail."""

from __future__ import annotations

from tests.conversation.conversation_harness import ConversationHarness
from tui_voice.conversation import events as e
from tui_voice.conversation.limits import Limits

TOOK = 82.0
"""Seconds that the summary took to fail: two writers, each asked twice, none in time."""


def test_the_delay_begins_when_the_summary_failed() -> None:
    harness = ConversationHarness(Limits(900, 2, policy="notebook"))
    while not harness.summary_requests:
        harness.at += 1
        harness.speak()
        while harness.server_step() or harness.deliver():
            pass
        harness.finish_playback()
    request = harness.summary_requests.popleft()
    harness.at += TOOK
    harness.post(e.SummaryFailed(compaction_id=request.compaction_id, reason="no answer in time"))
    [failed] = [c for c in harness.ledger.compactions if c.kind == "summary"]
    assert failed.done_at == failed.at + TOOK
    assert not harness.summary_requests, "the next attempt costs money, and would fail as well"
    harness.at += 60
    harness.post(e.TimePassed())
    assert len(harness.summary_requests) == 1
