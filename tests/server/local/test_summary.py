"""A summary holds whole sentences of the user, carries earlier ones over, and stays short."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.local.turns_harness import FACTS, SMALL_TALK, session_with_facts, turns
from tui_voice.languages.plausibility import summary_fault
from tui_voice.realtime.wire.contract import LAYOUTS, Layout
from tui_voice.server.interfaces import ContextTurn
from tui_voice.server.local.summary import memory_sentences, summarise


def length(session: list[ContextTurn]) -> int:
    return sum(len(turn.text) for turn in session)


def test_it_quotes_the_user_in_order_and_a_correction_replaces_what_it_corrects() -> None:
    said = (
        ("user", "My name is Anna. I do not eat fish"),
        ("assistant", "Noted, Anna. " * 20),
        ("user", "We leave at 7."),
        ("user", "No, we leave at 8, not at 7."),
    )
    assert summarise(turns(*said)) == (
        "The user said:\n- My name is Anna.\n- I do not eat fish\n- No, we leave at 8, not at 7."
    )
    assert summarise(turns(*said), layout="paragraph") == (
        "The user said: My name is Anna. I do not eat fish. No, we leave at 8, not at 7."
    )
    assert json.loads(summarise(turns(*said), layout="json")) == {
        "The user said": [
            "My name is Anna.",
            "I do not eat fish",
            "No, we leave at 8, not at 7.",
        ]
    }


@pytest.mark.parametrize("layout", LAYOUTS)
def test_facts_survive_five_rounds(layout: Layout) -> None:
    """Each round summarises the last summary and ten turns of small talk."""
    session = session_with_facts()
    for _ in range(5):
        summary = summarise(session, layout=layout)
        assert len(summary) < length(session)
        assert [fact for fact in FACTS if fact not in summary] == ["Our budget is 400 euros."]
        assert summary_fault(summary, "\n".join(turn.text for turn in session)) == ""
        small_talk = [
            turn
            for question, answer in SMALL_TALK[:5]
            for turn in (("user", question), ("assistant", answer))
        ]
        session = turns(("system", summary), *small_talk)


def test_earlier_sentences_come_first_and_a_repeated_one_once() -> None:
    earlier = summarise(turns(("user", "I live in Oslo. My cat is called Tom.")))
    again = turns(("system", earlier), ("user", "i live in oslo"), ("assistant", "I see. " * 30))
    assert summarise(again) == "The user said:\n- My cat is called Tom.\n- i live in oslo"


def test_it_stays_short_and_takes_new_sentences_in() -> None:
    summary = ""
    for n in range(100):
        news = f"My friend number {n} is called Name{n} and lives in house {n * 7} of the town."
        summary = summarise(turns(("system", summary), ("user", news), ("assistant", "I see.")))
    assert len(summary) < 3800, "3,600 characters, and the beginnings of the lines"
    assert "Name99" in summary


def test_what_tells_least_is_left_out() -> None:
    said = [
        *(("user", f"And then it is so, or is it that what is {word}.") for word in "abcdefgh"),
        ("user", "The meeting with Erik is on Tuesday at 9:30."),
    ]
    summary = summarise(turns(*said))
    assert "Tuesday at 9:30" in summary
    assert len(summary) < length(turns(*said))


def test_the_limit_of_tokens_is_kept() -> None:
    session = session_with_facts()
    assert len(summarise(session, max_tokens=30)) < 30 * 4 + len("The user said:\n") + 4 * 4
    assert summarise(session, max_tokens=1) == ""


def test_sentences_about_the_focus_are_kept_first() -> None:
    session = session_with_facts()
    assert "trains" not in summarise(session, max_tokens=20)
    assert "trains" in summarise(session, max_tokens=20, focus="the train")


def test_another_language_is_declined_once() -> None:
    session = session_with_facts()
    french = summarise(session, language="French")
    assert french.endswith(
        "[The embedded summariser cannot translate into French; the sentences are the user's own, "
        "which are English.]"
    )
    again = [*turns(("system", french)), *session]
    assert summarise(again, language="French").count("cannot translate") == 1
    assert "note" in json.loads(summarise(again, language="French", layout="json"))
    for language in ("", "same", "English"):
        assert "cannot translate" not in summarise(again, language=language)


@pytest.mark.parametrize(
    "memory",
    [
        "Summary so far:\nThe user said:\n- I like tea.\n- I work.\n[A remark.]",
        "The user said: I like tea. I work.",
        'The user said:\n{"The user said": ["I like tea.", "I work."], "note": "A remark."}',
        '```json\n{"facts": ["I like tea."], "decisions": ["I work."], "tone": "calm"}\n```',
        "Facts:\n* I like tea.\nDecisions:\n• I work.",
    ],
)
def test_the_sentences_of_any_summary_are_found_again(memory: str) -> None:
    assert memory_sentences(memory) == ["I like tea.", "I work."]


def test_a_title_before_a_name_ends_no_sentence() -> None:
    session = turns(("user", "I saw Dr. Okafor at St. Olav. She is kind."))
    assert summarise(session) == "The user said:\n- I saw Dr. Okafor at St. Olav.\n- She is kind."


def test_where_the_user_said_nothing_there_is_no_summary() -> None:
    assert summarise([]) == ""
    assert summarise(turns(("assistant", "Hello!"), ("user", "…"))) == ""


TEXT = st.text(max_size=200)
ROLE = st.sampled_from(["user", "assistant", "system", "tool_call", "tool_output"])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(ROLE, TEXT), max_size=12), st.sampled_from(LAYOUTS))
def test_a_summary_of_any_session_is_shorter_or_short(
    said: list[tuple[str, str]], layout: Layout
) -> None:
    session = turns(*said)
    summary = summarise(session, layout=layout)
    assert not summary or len(summary) < max(length(session), 240)
