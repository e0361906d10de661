"""A long session with a small trigger: what its prunings do in the journal, server and screen."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.e2e.app_harness import AppUnderTest, JournalEvent, StartApp
from tests.e2e.server_harness import InspectingProxy
from tests.server.local.speech_harness import plain
from tui_voice.conversation.ledger import Compaction, Ledger
from tui_voice.store.reading import load

pytestmark = [pytest.mark.local, pytest.mark.slow]

TURNS = (
    "My name is Anna and I live in London with my sister, in a small house near the river that "
    "belongs to our parents. The rooms are bright, the kitchen is old, and from the upper window "
    "one can see the bridge and the boats.",
    "My dog is called Rex and he is four years old, and every morning before breakfast we walk to "
    "the park together. He is afraid of thunder, he loves the snow, and he sleeps on the blue "
    "carpet beside the front door.",
    "My budget for the whole journey is 400 euros, and my brother has promised to lend me another "
    "100 euros if I need it. The tickets cost about 120 euros, so there is enough left for the "
    "museum, the boat trip and a good dinner.",
    "The meeting at the station is on Tuesday at 3 pm, and my colleague Robert will wait for us "
    "beside the main entrance. She will bring the contracts, he will bring the plans, and I have "
    "to bring the photographs of the new building.",
    "I am allergic to penicillin and I do not eat fish, but I like soup, bread, cheese, apples "
    "and a cup of tea in the afternoon. In the evening I prefer a salad or some rice, and on "
    "Sundays I bake a cake with lemons for the neighbours.",
    "My brother works in Berlin and his wife is called Clara, and their daughter Emma starts "
    "school in September. They live on the third floor, they have a piano, and in the summer they "
    "visit us for two or three weeks.",
    "We decided to take the train instead of the bus, because the bus was late three times last "
    "month and the train is quiet. We leave at seven in the morning, change once in the old town, "
    "and arrive shortly before noon.",
    "My favourite colour is green and my favourite month is May, when the garden behind the house "
    "is full of flowers. In the winter I stay at home, read long novels, and listen to the radio "
    "until late in the night.",
    "My birthday is in October and my sister's birthday is in June, and we always celebrate both "
    "of them at the seaside. Last year it rained all day, so we sat under the roof of the cafe "
    "and played cards with the owner.",
    "The hotel is called Bellevue and it is near the harbour, and we have booked two rooms there "
    "for five nights. Breakfast is served until ten, the beach is five minutes away, and dogs are "
    "welcome in the garden.",
    "I parked the car behind the library in Church Street, and the key is in the drawer of the "
    "kitchen table. The tank is almost empty, one of the lamps is broken, and the papers are in "
    "the green bag in the hall.",
    "My doctor is called Doctor Moreau and her practice is in Baker Street, on the second floor "
    "above the bakery. She speaks three languages, she is never in a hurry, and she has known my "
    "family for twenty years.",
    "The wedding of my cousin Peter is on the first of July, in a village church in the hills "
    "behind the lake. There will be music, a long table under the trees, and a boat for everybody "
    "who wants to cross the lake.",
    "My new telephone was stolen in the tram last week, so please write to me and do not call "
    "before Friday. The police were friendly, the office was full, and I waited two hours for a "
    "piece of paper with a stamp.",
    "The garden needs water twice a week, on Mondays and on Thursdays, and the roses need it most "
    "of all. The hose is in the shed, the shed is locked, and the neighbour with the red door has "
    "the other key.",
    "What did I tell you my name was?",
)
SHORT = "Go on, please."
TRIGGER, KEEP = 600, 2
"""Tokens and turns. A lower trigger would be raised after the first pruning, since the summary
becomes longer with each of these turns.
"""
WITHOUT_RECALL = {"TUI_VOICE_CONTEXT_RECALL": "false"}
"""The definition of the recall tool has as many tokens as several turns."""


def test_a_long_session_is_pruned_twice_and_loses_no_turn(
    start_app: StartApp, terse_server: InspectingProxy
) -> None:
    app = start_app(
        *("--backend", terse_server.url, "--model", "local", "--text"),
        *("--trigger", str(TRIGGER), "--keep", str(KEEP)),
        env=WITHOUT_RECALL,
    )
    app.wait_until_connected()
    asked, answers, compacted = list[str](), list[str](), 0
    for text in TURNS:
        asked.append(text)
        answers.append(app.ask(text))
        ledger = wait_for_compactions(app, 0)
        if len(summaries(ledger)) > compacted:  # a short turn then shows what was removed
            compacted = len(summaries(ledger))
            asked.append(SHORT)
            answers.append(app.ask(SHORT))
    ledger = wait_for_compactions(app, 2)
    assert any("Anna" in answer for answer in answers[-2:])

    # Each pruning removed more tokens than the next turn added; the server's own count of input
    # tokens decreased at least twice.
    events = app.journal()
    compactions = summaries(ledger)
    removed = [removed_tokens(ledger, compaction) for compaction in compactions]
    assert min(removed) > 0, removed
    assert all(compaction.tokens_before >= TRIGGER for compaction in compactions)
    sizes = [e["usage"]["input_text"] for e in events if e["event"] == "response_done"]
    assert sum(later < earlier for earlier, later in pairwise(sizes)) >= 2, sizes

    # The server holds the newest summary, and exactly the turns that were not pruned.
    *old_summaries, newest_summary = (compaction.id for compaction in compactions)
    found = terse_server.retrieve(newest_summary)
    assert found["type"] == "conversation.item.retrieved"
    assert found["item"]["role"] == "system"
    summary = found["item"]["content"][0]["text"]
    for word in ("Anna", "Rex", "Tuesday", "penicillin"):
        assert word in summary
    pruned = {item for e in events if e["event"] == "summary_requested" for item in e["drop"]}
    for item in [*sorted(pruned), *old_summaries]:
        answer = terse_server.retrieve(item)
        assert answer["type"] == "error", item
        assert answer["error"]["code"] == "item_retrieve_invalid_item_id"
    turns = [e["item_id"] for e in events if e["event"] in ("text_submitted", "turn_added")]
    kept = [item_on_server(events, item) for item in turns if item not in pruned]
    assert len(kept) >= KEEP
    for item in kept:
        assert terse_server.retrieve(item)["type"] == "conversation.item.retrieved"
    assert terse_server.first_item() == newest_summary

    # The journal and the screen still have every turn.
    assert [e["text"] for e in events if e["event"] == "text_submitted"] == asked
    pages = [" ".join(plain(page)) for page in app.transcript_pages()]
    for text in (*asked, *answers):
        for words in runs(plain(text)):  # a turn may be divided between two pages
            assert any(words in page for page in pages), text


def runs(words: list[str], length: int = 6) -> list[str]:
    """Returns all runs of `length` consecutive words."""
    return [" ".join(words[n : n + length]) for n in range(max(1, len(words) - length + 1))]


def item_on_server(events: list[JournalEvent], item: str) -> str:
    """Returns the id of the server's item for a turn: another one if the turn was textified."""
    for event in events:
        if event["event"] == "textify_requested" and item in event["turns"]:
            return f"{event['compaction_id']}_{event['turns'].index(item)}"
    return item


def wait_for_compactions(app: AppUnderTest, number: int) -> Ledger:
    """Waits until so many compactions are complete and none is running; returns the ledger."""

    def are_complete() -> bool:
        ledger = load(app.journal_path)[0]
        return (
            len(summaries(ledger)) >= number
            and not ledger.compaction
            and not ledger.pending_deletes
        )

    app.wait_until(are_complete, f"{number} compactions")
    return load(app.journal_path)[0]


def removed_tokens(ledger: Ledger, compaction: Compaction) -> int:
    """Returns by how many tokens the window shrank, without turns that were added meanwhile."""
    assert compaction.tokens_after is not None
    assert compaction.done_at is not None
    added = sum(
        turn.tokens for turn in ledger.turns if compaction.at < turn.at <= compaction.done_at
    )
    return compaction.tokens_before - compaction.tokens_after + added


def summaries(ledger: Ledger) -> list[Compaction]:
    """Returns the compactions that made a summary."""
    return [compaction for compaction in ledger.compactions if compaction.kind == "summary"]
