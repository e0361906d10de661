"""The window after a response that read it in the middle of a compaction."""

from __future__ import annotations

from itertools import combinations_with_replacement

import pytest

from tests.conversation.sessions_harness import spoken_session
from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.reducers import reduce
from tui_voice.conversation.turns import ITEM_OVERHEAD, Turn
from tui_voice.languages.token_estimate import estimate_text_tokens

EARLIER, LATER = "She lives in Bergen. " * 6, "She lives in Bergen and sails. " * 5
FIXED = 200


class CountingServer:
    """A server that knows the text and audio tokens of each item."""

    def __init__(self, ledger: Ledger) -> None:
        self.items = {turn.id: (turn.text_tokens, turn.audio_tokens) for turn in ledger.held()}

    def apply_event(self, event: e.Event, ledger: Ledger) -> None:
        """Applies what the event acknowledges."""
        if isinstance(event, e.ItemDeleted):
            del self.items[event.item_id]
        elif isinstance(event, e.ItemPlaced):
            running = ledger.compaction
            assert running is not None
            text = running.summary
            if running.kind == "textify":
                turn = ledger.turns.get(running.turns[int(event.item_id.rpartition("_")[2])])
                assert turn is not None
                text = turn.text
            self.items[event.item_id] = (ITEM_OVERHEAD + estimate_text_tokens(text), 0)

    @property
    def total(self) -> int:
        return FIXED + sum(map(sum, self.items.values()))

    def usage(self) -> e.Usage:
        text, audio = (sum(part) for part in zip(*self.items.values(), strict=True))
        return e.Usage(input_text=FIXED + text, input_audio=audio)


def summary(name: str, text: str, drop: list[Turn], gone: tuple[str, ...] = ()) -> list[e.Event]:
    return [
        e.SummaryRequested(compaction_id=name, drop=tuple(t.id for t in drop), window=1),
        e.SummaryReady(compaction_id=name, text=text),
        e.ItemPlaced(item_id=name),
        *(e.ItemDeleted(item_id=turn.id) for turn in drop),
        *(e.ItemDeleted(item_id=item_id) for item_id in gone),
    ]


def textify(name: str, turns: list[Turn]) -> list[e.Event]:
    steps: list[e.Event] = [
        e.TextifyRequested(compaction_id=name, turns=tuple(t.id for t in turns), window=1)
    ]
    for number, turn in enumerate(turns):
        steps += [e.ItemPlaced(item_id=f"{name}_{number}"), e.ItemDeleted(item_id=turn.id)]
    return steps


def start() -> tuple[Ledger, CountingServer]:
    ledger = spoken_session(6)
    server = CountingServer(ledger)
    assert ledger.window.total == server.total
    return ledger, server


def apply(ledger: Ledger, server: CountingServer, events: list[e.Event]) -> Ledger:
    for event in events:
        server.apply_event(event, ledger)
        ledger = reduce(ledger, event)
    return ledger


STEPS = 8
PLACES = list(combinations_with_replacement(range(STEPS + 1), 2))


@pytest.mark.parametrize(("begins", "ends"), PLACES)
@pytest.mark.parametrize("kind", ["summary", "textify"])
def test_the_usage_is_right_whenever_the_response_began_and_ended(
    kind: str, begins: int, ends: int
) -> None:
    """It begins before step `begins` and is done before step `ends`."""
    ledger, server = start()
    turns = ledger.held()
    first = summary("memory_0001", EARLIER, turns[:4])
    ledger = apply(ledger, server, first)
    if kind == "summary":
        steps = summary("memory_0002", LATER, turns[4:8], gone=("memory_0001",))
    else:
        steps = textify("text_0002", turns[4:8])
    usage = e.Usage()
    for number in range(len(steps) + 1):
        if number == begins:
            usage = server.usage()
            ledger = reduce(ledger, e.ResponseStarted(response_id="r"))
        if number == ends:
            ledger = reduce(ledger, e.ResponseDone(response_id="r", usage=usage))
        if number < len(steps):
            ledger = apply(ledger, server, [steps[number]])
    assert ledger.compaction is None
    assert ledger.window.total == server.total
    assert ledger.fixed_tokens == FIXED


def test_a_deleted_memory_weighs_nothing() -> None:
    ledger, server = start()
    ledger = apply(ledger, server, summary("memory_0001", EARLIER, ledger.held()[:4]))
    ledger = reduce(ledger, e.MemoryEdited(text=""))
    usage = server.usage()
    ledger = reduce(ledger, e.ResponseStarted(response_id="r"))
    ledger = apply(ledger, server, [e.ItemDeleted(item_id="memory_0001")])
    assert ledger.window.total == server.total
    ledger = reduce(ledger, e.ResponseDone(response_id="r", usage=usage))
    assert ledger.window.total == server.total
