"""A long talk in a small window: what is pruned, on the screen, in the journal, on the server."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.e2e.talk import Fact, Start, Talk
from tests.e2e.tap import Serve, Tap
from tests.server.local.speech_harness import plain
from tui_voice.conversation.ledger import Compaction, Ledger
from tui_voice.store.reading import load

pytestmark = [pytest.mark.local, pytest.mark.slow]

TOLD = (
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
TRIGGER, KEEP = 600, 2
"""High enough for two prunings before the summary, which grows with what is told, has the trigger
refused."""
LIGHT = {"TUI_VOICE_CONTEXT_RECALL": "false"}
"""The functions that search older talks weigh as much as some turns do: a small window of talk."""


@pytest.fixture
def tap(home: dict[str, str]) -> Iterator[Tap]:
    server = Serve(home)
    tap = Tap(server.url)
    yield tap
    tap.close()
    server.close()


def test_a_long_talk_in_a_small_window(start: Start, tap: Tap) -> None:
    talk = start(
        *("--backend", tap.url, "--model", "local", "--text"),
        *("--trigger", str(TRIGGER), "--keep", str(KEEP)),
        env=LIGHT,
    )
    talk.online()
    answers = [talk.ask(text) for text in TOLD]
    done = settled(talk)
    assert "Anna" in answers[-1]

    # The window came down each time by more than what came in meanwhile, and at least twice as
    # the server itself counted it.
    facts = talk.journal()
    ledger = load(talk.path)[0]
    prunings = summaries(ledger)
    assert [pruning.id for pruning in prunings] == done
    fallen = [freed(ledger, pruning) for pruning in prunings]
    assert min(fallen) > 0, fallen
    assert all(pruning.tokens_before >= TRIGGER for pruning in prunings)
    sizes = [f["usage"]["input_text"] for f in facts if f["event"] == "response_done"]
    assert sum(later < earlier for earlier, later in pairwise(sizes)) >= 2, sizes

    # On the server: the newest summary, and of the turns just those that were not pruned.
    found = tap.retrieve(done[-1])
    assert found["type"] == "conversation.item.retrieved"
    assert found["item"]["role"] == "system"
    summary = found["item"]["content"][0]["text"]
    for word in ("Anna", "Rex", "Tuesday", "penicillin"):
        assert word in summary
    dropped = {item for f in facts if f["event"] == "summary_requested" for item in f["drop"]}
    for gone in [*sorted(dropped), *done[:-1]]:
        answer = tap.retrieve(gone)
        assert answer["type"] == "error", gone
        assert answer["error"]["code"] == "item_retrieve_invalid_item_id"
    turns = [f["item_id"] for f in facts if f["event"] in ("text_submitted", "turn_added")]
    left = [held_as(facts, item) for item in turns if item not in dropped]
    assert len(left) >= KEEP
    for item in left:
        assert tap.retrieve(item)["type"] == "conversation.item.retrieved"
    assert tap.first() == done[-1], "the summary stands at the root"

    # Nothing is lost: the journal has every turn, and so has the screen.
    assert [f["text"] for f in facts if f["event"] == "text_submitted"] == list(TOLD)
    pages = [plain(page) for page in talk.pages()]
    for words in (*TOLD, *answers):
        for wanted in runs(plain(words)):  # a turn may stand on two pages
            assert any(wanted in " ".join(page) for page in pages), words


def runs(words: list[str], length: int = 6) -> list[str]:
    """All runs of so many words, in order."""
    return [" ".join(words[n : n + length]) for n in range(max(1, len(words) - length + 1))]


def held_as(facts: list[Fact], item: str) -> str:
    """The item by which the server holds a turn now: its own, or the text made of its sound."""
    for fact in facts:
        if fact["event"] == "textify_requested" and item in fact["turns"]:
            return f"{fact['compaction_id']}_{fact['turns'].index(item)}"
    return item


def settled(talk: Talk) -> list[str]:
    """Waits for the end of two prunings at least; ids of the items that hold, or held, the
    summaries.
    """

    def over() -> bool:
        ledger = load(talk.path)[0]
        return len(summaries(ledger)) >= 2 and not ledger.compaction and not ledger.pending_deletes

    talk.until(over, "the end of the prunings")
    return [pruning.id for pruning in summaries(load(talk.path)[0])]


def freed(ledger: Ledger, pruning: Compaction) -> int:
    """Tokens, without those of turns that came while it was done."""
    assert pruning.tokens_after is not None
    assert pruning.done_at is not None
    came = sum(turn.tokens for turn in ledger.turns if pruning.at < turn.at <= pruning.done_at)
    return pruning.tokens_before - pruning.tokens_after + came


def summaries(ledger: Ledger) -> list[Compaction]:
    """The prunings by summary."""
    return [pruning for pruning in ledger.compactions if pruning.kind == "summary"]
