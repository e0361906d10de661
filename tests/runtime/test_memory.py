"""The memory is data: every form of a summary is read into entries, and written as text again."""

from __future__ import annotations

import json

import pytest

from tui_voice.runtime.memory import MemoryEntry, memory_data, read_memory, render_memory

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
