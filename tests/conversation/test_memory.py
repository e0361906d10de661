"""The memory is data: every form of a summary is read into entries, and written as text again."""

from __future__ import annotations

import json

import pytest

from tui_voice.conversation.memory import (
    KeptFact,
    MemoryEntry,
    facts_in,
    memory_data,
    read_memory,
    render_memory,
    with_change,
    with_facts,
)

ENTRIES = (
    MemoryEntry("prohibitions_and_limits", "No fish."),
    MemoryEntry("people_and_facts", "Marit is a nurse."),
    MemoryEntry("to_dos", "Marit: book the train"),
    MemoryEntry("tone", "calm"),
)
TEXT = (
    "Prohibitions and limits:\n- No fish.\nPeople and facts:\n- Marit is a nurse.\n"
    "To-dos:\n- Marit: book the train\nTone:\n- calm"
)


def test_entries_are_written_under_headings_and_read_back() -> None:
    assert render_memory(tuple(reversed(ENTRIES))) == TEXT
    assert read_memory(TEXT) == ENTRIES


@pytest.mark.parametrize(
    "text",
    [
        '{"people_and_facts": ["Marit is a nurse."], "prohibitions_and_limits": ["No fish."]}',
        "## People and facts:\n1. Marit is a nurse.\n**Prohibitions and limits:** No fish.",
        'Here it is: {"People and facts": "Marit is a nurse.", '
        '"Prohibitions and limits": ["No fish.", 3]}',
    ],
)
def test_the_forms_in_which_models_answer_are_understood(text: str) -> None:
    assert sorted(read_memory(text)) == sorted(ENTRIES[:2])


def test_texts_of_earlier_versions_are_entries_too() -> None:
    assert read_memory("The user said:\n- I like tea.\n- I work.") == (
        MemoryEntry("quotes", "I like tea."),
        MemoryEntry("quotes", "I work."),
    )
    assert read_memory("She lives in Oslo. Her dog is old.") == (
        MemoryEntry("", "She lives in Oslo. Her dog is old."),
    )
    assert read_memory("") == ()


def test_the_memory_as_json() -> None:
    assert json.loads(memory_data(TEXT))["to_dos"] == ["Marit: book the train"]
    assert json.loads(memory_data("Lives in Oslo.")) == {"people_and_facts": ["Lives in Oslo."]}


def test_a_changed_entry_keeps_its_place_and_the_form_of_the_memory() -> None:
    changed = with_change(TEXT, "No fish.", MemoryEntry("prohibitions_and_limits", "No shellfish."))
    assert changed == TEXT.replace("No fish.", "No shellfish.")
    assert with_change(TEXT, "calm", None) == TEXT.replace("\nTone:\n- calm", "")
    data = memory_data(TEXT)
    added = json.loads(with_change(data, "", MemoryEntry("decisions", "Blue tiles.")))
    assert added == json.loads(data) | {"decisions": ["Blue tiles."]}
    assert with_change("", "", MemoryEntry("to_dos", "Call.")) == "To-dos:\n- Call."


def test_braces_in_an_entry_are_text() -> None:
    text = with_change(TEXT, "calm", MemoryEntry("tone", 'writes {"a": "b"} a lot'))
    assert next(entry.text for entry in read_memory(text)) == "No fish."


def test_kept_facts_are_put_back_word_for_word_and_their_parts_left_out() -> None:
    fact = KeptFact("to_dos", "Marit books the train. She asks for a quiet coach.", pinned=True)
    summary = "The user said:\n- Marit books the train.\n- I like tea."
    kept = with_facts(summary, [fact])
    assert read_memory(kept) == (
        MemoryEntry("to_dos", fact.text),
        MemoryEntry("quotes", "I like tea."),
    )
    assert with_facts(kept, [fact]) is kept
    assert facts_in(kept, [fact]) == (fact,)
    assert facts_in(summary, [fact]) == ()
    as_json = with_facts('{"tone": "calm"}', [fact])
    assert json.loads(as_json) == {"to_dos": [fact.text], "tone": ["calm"]}
