"""A summary that failed is not asked for again at once, however long it took to fail."""

from __future__ import annotations

from tests.conversation.world import World
from tui_voice.conversation import events as e
from tui_voice.conversation.limits import Limits

TOOK = 82.0
"""Seconds: two writers, each asked twice, none in time."""


def test_the_wait_begins_when_it_failed() -> None:
    world = World(Limits(900, 2, policy="notebook"))
    while not world.summaries:
        world.at += 1
        world.speak()
        while world.work() or world.deliver():
            pass
        world.play_out()
    request = world.summaries.popleft()
    drop = tuple(turn.item_id for turn in request.turns)
    world.tell(
        e.SummaryRequested(compaction_id=request.compaction_id, drop=drop, window=request.window)
    )
    world.at += TOOK
    world.tell(e.SummaryFailed(compaction_id=request.compaction_id, reason="no answer in time"))
    [failed] = [c for c in world.ledger.compactions if c.kind == "summary"]
    assert failed.done_at == failed.at + TOOK
    assert not world.summaries, "the next attempt costs money, and would fail as well"
    world.at += 60
    world.tell(e.TimePassed())
    assert len(world.summaries) == 1
