from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.local.talks import FILLER, asking, talk, turns
from tui_voice.realtime.wire.contract import LAYOUTS, Layout, ResponseMetadata
from tui_voice.server.interfaces import ContextTurn, ReplyRequest
from tui_voice.server.local.answering import answer
from tui_voice.server.local.skills.talk import read
from tui_voice.server.local.summary import summarise

KEPT = (
    *("Anna", "Oslo", "penicillin", "Lily", "five", "Friday", "7 pm", "500 euros", "Tuesday"),
    *("Erik", "Bruno", "nurse", "trains"),
)


def summary(window: list[ContextTurn], **options: Any) -> str:
    return summarise(
        ReplyRequest("", window, metadata=ResponseMetadata(purpose="summary", **options))
    )


def size(window: list[ContextTurn]) -> int:
    return sum(len(turn.text) for turn in window)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_facts_survive_five_rounds(layout: Layout) -> None:
    """Each round: the last summary, and ten turns of small talk to be summarised with it."""
    window = talk(1)
    for round_ in range(5):
        told = summary(window, layout=layout)
        assert len(told) < size(window)
        lost = [fact for fact in KEPT if fact not in told]
        assert not lost, (round_, lost, told)
        assert "400" not in told
        if layout == "json":
            values = [value for group in json.loads(told).values() for value in group]
            assert not {"facts", "preferences", "other"} & set(values)
        small = [
            part for asked, said in FILLER[:5] for part in (("user", asked), ("assistant", said))
        ]
        window = turns(("system", told), *small)


def test_new_facts_join_the_old_ones() -> None:
    told = summary(talk(1))
    for new in ("My aunt Berta is coming on the 9th.", "I moved to Bergen.", "My code is 4711."):
        told = summary(turns(("system", told), ("user", new), ("assistant", "I see.")))
    for fact in ("Berta", "9th", "Bergen", "4711", "Anna", "penicillin"):
        assert fact in told


def test_a_summary_does_not_grow_for_ever() -> None:
    told = ""
    for n in range(60):
        news = f"My friend number {n} is called Name{n} and lives in house {n * 7} of the town."
        told = summary(turns(("system", told), ("user", news), ("assistant", "I see.")))
    assert len(told) < 3000
    assert "Name59" in told


@pytest.mark.parametrize("layout", LAYOUTS)
def test_answers_are_found_in_the_summary_alone(layout: Layout) -> None:
    window = turns(("system", summary(talk(1), layout=layout)))
    for question, fact in (
        ("What's my name?", "Anna"),
        ("Where do I live?", "Oslo"),
        ("What am I allergic to?", "penicillin"),
        ("What's our budget?", "500"),
        ("How old is my daughter?", "five"),
    ):
        assert fact in str(answer(read(asking(window, question)))), question


def test_structured_lines_have_their_kinds() -> None:
    said = (
        ("user", "My name is Anna."),
        ("user", "I prefer window seats."),
        ("user", "Let's go to Kyoto first."),
        ("assistant", "Sure, I see. " * 20),
        ("user", "Which hotel is near the station?"),
    )
    assert summary(turns(*said)).splitlines() == [
        'People and facts: "My name is Anna".',
        'Preferences: "I prefer window seats".',
        'Decisions: "Let\'s go to Kyoto first".',
        'Open questions: "Which hotel is near the station?".',
    ]


def test_an_answered_question_is_not_open() -> None:
    said = turns(("user", "How far is Kyoto from Tokyo?"), ("assistant", "About 450 kilometres."))
    assert "Open questions" not in summary(said)


def test_the_request_itself_is_no_part_of_the_talk() -> None:
    window = asking(talk(0), "Summarise the conversation so far in five short lines, please.")
    assert summary(window) == summary(talk(0))


def test_json_is_json_and_another_language_is_declined() -> None:
    told = json.loads(summary(talk(0), layout="json", language="German"))
    assert "my name is Anna" in told["facts"]
    assert "cannot translate into German" in told["note"]
    assert "[" not in summary(talk(0), language="same")
    text = summary(talk(0), language="French")
    assert text.endswith("]")
    assert text.count("[") == 1


def test_focus_brings_its_subject_in() -> None:
    window = talk(6)
    assert "run on rails" not in summary(window)
    assert "run on rails" in summary(window, focus="trains")


@pytest.mark.parametrize("layout", ["headings", "json"])
def test_the_remark_on_language_is_not_carried_over(layout: Layout) -> None:
    told = summary(talk(1), layout=layout, language="German")
    again = summary([*turns(("system", told)), *talk(0)], layout=layout, language="German")
    assert again.count("cannot translate") == 1
    assert "cannot" not in summary([*turns(("system", told)), *talk(0)], layout=layout)


def test_what_we_told_back_is_not_told_again() -> None:
    said = turns(
        ("user", "My name is Anna."),
        ("assistant", "Nice to meet you, Anna. " * 5),
        ("user", "What have we talked about?"),
        ("assistant", "You told me that your name is Anna."),
    )
    assert summary(said) == 'People and facts: "My name is Anna".'


def test_what_is_said_twice_is_told_once() -> None:
    said = [("user", "I live in Oslo with my cat Tom."), ("assistant", "I see. " * 30)] * 3
    assert summary(turns(*said)).count("Oslo") == 1


def test_nothing_said_nothing_told() -> None:
    assert summary([]) == ""
    assert summary(turns(("user", "Hello!"), ("assistant", "Hi!"))) == ""


TEXT = st.text(max_size=200)
ROLE = st.sampled_from(["user", "assistant", "system", "tool_call", "tool_output"])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(ROLE, TEXT), max_size=12), st.sampled_from(["structured", "json"]))
def test_any_talk_is_summarised_shorter_or_stays_short(
    said: list[tuple[str, str]], layout: Layout
) -> None:
    window = turns(*said)
    told = summary(window, layout=layout)
    assert not told or len(told) < max(size(window), 240)
