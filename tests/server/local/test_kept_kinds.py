"""What the embedded summariser shortens last, and that a pinned fact of any kind outlives it."""

from __future__ import annotations

import pytest

from tui_voice.conversation import effects as x
from tui_voice.conversation.memory import WRITTEN_KINDS, KeptFact, read_memory, with_facts
from tui_voice.runtime.kept_facts import facts_that_hold
from tui_voice.server.interfaces import ContextTurn
from tui_voice.server.local.summary import summarise

SMALL_TALK = (
    "The weather was lovely this morning and the {0} bird sang",
    "A {0} neighbour plays the trumpet rather badly in the evenings",
    "There was a {0} rainbow over the harbour after lunch",
    "That {0} film yesterday was really funny in the middle",
)
SUMMARIES = 16
MARKED = {
    "a prohibition": "Never call me before breakfast.",
    "an allergy": "My daughter must not eat walnuts, she is allergic.",
    "a limit": "The rent may be 900 euros at most.",
    "a name": "My landlord is called Torben Lykke.",
    "a to-do with a date": "I have to renew the passport before the 3rd of March.",
    "a decision about a name": "We will stay at Casa Amarela.",
}


def word(number: int) -> str:
    """Returns a word of letters that occurs once."""
    return "".join(chr(ord("a") + int(digit)) for digit in f"{number:04d}") + "ish"


def small_talk(summary: int) -> list[ContextTurn]:
    return [
        ContextTurn(f"u{summary}-{n}", "user", f"{text.format(word(summary * 16 + n))}.")
        for n, text in enumerate(SMALL_TALK * 3)
    ]


def test_what_has_a_name_a_number_or_a_negation_outlives_small_talk() -> None:
    memory = ""
    said = [ContextTurn(f"k{n}", "user", text) for n, text in enumerate(MARKED.values())]
    for number in range(SUMMARIES):
        before = [ContextTurn("memory", "system", memory)] if memory else said
        memory = summarise([*before, *small_talk(number)])
    left = sum("ish " in line for line in memory.splitlines())
    assert left < SUMMARIES * len(small_talk(0)) // 2, "there was not room for all of it"
    assert [kind for kind, text in MARKED.items() if text not in memory] == []


@pytest.mark.parametrize("kind", WRITTEN_KINDS)
def test_a_pinned_fact_of_each_kind_outlives_every_summary(kind: str) -> None:
    fact = KeptFact(kind, "Return the borrowed ladder.", pinned=True)
    memory = with_facts("", (fact,))
    for number in range(3):
        turns = [ContextTurn("memory", "system", memory), *small_talk(number)]
        source = tuple(x.SourceTurn(item_id=t.item_id, role="user", text=t.text) for t in turns[1:])
        request = x.RequestSummary(compaction_id="m", turns=source, memory=memory, facts=(fact,))
        memory = with_facts(summarise(turns), facts_that_hold(request))
    assert read_memory(memory).count((kind, fact.text)) == 1
