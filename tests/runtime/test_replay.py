"""A recorded talk through the same door adds up to what it was when it was live."""

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


def watched(path: Path, events: list[e.Event], speed: float) -> Snapshot:
    """The last snapshot of a replay, and that nothing was added to what was recorded."""
    heard: list[e.Event] = []
    over = threading.Event()
    shown = [event for event in events if not isinstance(event, e.SessionClosed)]
    whole = fold(shown)

    def see(now: Snapshot) -> None:
        if now.ledger == whole:
            over.set()

    door = replay(path, [], 0)  # only to learn that an empty talk is one, too
    door.close()
    door = replay(path, events, speed)
    door.listen(heard.append)
    now = door.subscribe(see)
    if now.ledger != whole:
        assert over.wait(60)
    door.post(e.TextSubmitted(item_id="x", text="I was never there"))
    door.set_limits(NEVER)
    last = door.subscribe(see)
    assert door.meters().playing == ""
    door.close()
    assert [event for event in heard if event not in shown] in ([], [heard[-1]])
    return last


async def hold(harness: SessionHarness) -> None:
    for said in ("hello Anna", "one two three", "tell me a story", "four five six"):
        await harness.say(said)
    await harness.speak("seven eight")
    harness.session.post(e.SummarisePressed())
    await harness.until(lambda s: s.ledger.compactions and not s.ledger.compaction)
    harness.session.post(e.RestorePressed())
    await harness.until(lambda s: s.ledger.compactions[-1].kind == "restore")
    await harness.settled()


async def test_a_replay_adds_up_to_the_live_talk(tmp_path: Path) -> None:
    limits = replace(default_limits("gpt-realtime-2.1"), policy="notebook", keep=2)
    async with (
        toy_server() as server,
        running_session(server.url, tmp_path, limits=limits) as harness,
    ):
        await hold(harness)
        live = harness.snapshot
        path = harness.session.path
    events = read(path).events
    for speed in (0.0, 100.0):
        again = watched(path, events, speed)
        assert list(again.ledger.turns) == list(live.ledger.turns)
        assert structs.replace(again.ledger, turns=live.ledger.turns) == live.ledger
        assert again.state is live.state
