"""A replay of a recorded session ends with the same ledger as the live session."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

from msgspec import structs

from tests.runtime.session_harness import NEVER, SessionHarness, running_session, toy_server
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Snapshot
from tui_voice.conversation.limits import default_limits
from tui_voice.conversation.reducers import fold
from tui_voice.runtime.replay import replay
from tui_voice.store.reading import read


def played(path: Path, events: list[e.Event], speed: float) -> Snapshot:
    """Return the last snapshot of a replay, during which no event was added."""
    listened: list[e.Event] = []
    over = threading.Event()
    recorded = [event for event in events if not isinstance(event, e.SessionClosed)]
    whole = fold(recorded)

    def on_snapshot(now: Snapshot) -> None:
        if now.ledger == whole:
            over.set()

    session = replay(path, events, speed)
    session.listen(listened.append)
    now = session.subscribe(on_snapshot)
    if now.ledger != whole:
        assert over.wait(60)
    session.post(e.TextSubmitted(item_id="x", text="This is not in the recording."))
    session.set_limits(NEVER)
    last = session.subscribe(on_snapshot)
    assert session.meters().speaker == 0.0
    session.close()
    added = [event for event in listened if event not in recorded]
    assert added in ([], [listened[-1]]), "at most the end of the replay itself"
    return last


def test_an_empty_session_can_be_replayed(tmp_path: Path) -> None:
    replay(tmp_path / "empty.jsonl", [], 0).close()


async def use(harness: SessionHarness) -> None:
    for said in ("hello Anna", "one two three", "tell me a story", "four five six"):
        await harness.say(said)
    await harness.speak("seven eight")
    harness.session.post(e.SummarisePressed())
    await harness.until(lambda s: s.ledger.compactions and not s.ledger.compaction)
    harness.session.post(e.RestorePressed())
    await harness.until(lambda s: s.ledger.compactions[-1].kind == "restore")
    await harness.settled()


async def test_a_replay_ends_with_the_ledger_of_the_live_session(tmp_path: Path) -> None:
    limits = replace(default_limits("gpt-realtime-2.1"), policy="notebook", keep=2)
    async with (
        toy_server() as server,
        running_session(server.url, tmp_path, limits=limits) as harness,
    ):
        await use(harness)
        live = harness.snapshot
        path = harness.session.path
    events = read(path).events
    for speed in (0.0, 100.0):
        again = played(path, events, speed)
        assert list(again.ledger.turns) == list(live.ledger.turns)
        assert structs.replace(again.ledger, turns=live.ledger.turns) == live.ledger
        assert again.state is live.state
