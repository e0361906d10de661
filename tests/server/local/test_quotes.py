"""A question about the session is answered with the user's own words, other questions are not."""

from __future__ import annotations

import sqlite3

import pytest

from tests.server.local.turns_harness import session_with_facts, turns, with_question
from tui_voice.realtime.wire.contract import LAYOUTS, Layout
from tui_voice.server.interfaces import ContextTurn
from tui_voice.server.local.quotes import quote_for
from tui_voice.server.local.summary import summarise


def ask(session: list[ContextTurn], question: str) -> str | None:
    return quote_for(with_question(session, question))


def test_the_turn_that_shares_the_most_telling_words_is_quoted() -> None:
    session = session_with_facts()
    assert ask(session, "What is my dog called?") == 'You said: "My dog is called Bruno."'


@pytest.mark.parametrize(
    ("said", "question"),
    [
        ("Meine Schwester wohnt in Köln.", "Wo wohnt meine Schwester?"),
        ("Je suis allergique aux noix.", "À quoi suis-je allergique ?"),
        ("مكتبي في شارع النيل", "أين مكتبي؟"),
    ],
)
def test_no_words_of_any_language_are_built_in(said: str, question: str) -> None:
    assert ask(turns(("user", said)), question) == f'You said: "{said}"'


def test_the_newest_turn_about_the_same_is_quoted_behind_the_best_match() -> None:
    session = session_with_facts()
    assert ask(session, "What is our budget?") == (
        'You said: "Our budget is 400 euros." You said: "Actually our budget is 500 euros."'
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_the_user_said_is_found_in_our_own_summary(layout: Layout) -> None:
    summary = summarise(session_with_facts(), layout=layout)
    memory = turns(("system", f"Summary of the conversation so far:\n{summary}"))
    assert ask(memory, "What is my dog called?") == 'You said: "My dog is called Bruno."'


def test_a_summary_by_a_chat_model_is_not_taken_for_the_words_of_the_user() -> None:
    memory = turns(("system", "People and facts:\n- Her dog is called Bruno."))
    assert ask(memory, "What is my dog called?") == ('The summary says: "Her dog is called Bruno."')


@pytest.mark.parametrize(
    "asked",
    [
        "What is the capital of France?",
        "How do I boil an egg?",
        "My dog is called Bruno.",
        "?",
        '"*" OR?',
        "",
    ],
)
def test_what_asks_nothing_about_the_session_is_not_answered_with_a_quote(asked: str) -> None:
    assert ask(session_with_facts(), asked) is None
    assert ask([], asked) is None


def test_an_earlier_question_and_the_words_of_the_assistant_are_not_quoted() -> None:
    session = turns(
        ("user", "Where did I park the car?"), ("assistant", "You parked the car in Berlin.")
    )
    assert ask(session, "Where did I park the car?") is None


def test_of_a_long_turn_forty_words_are_quoted() -> None:
    words = [f"word{n}" for n in range(200)]
    quote = ask(turns(("user", " ".join(words))), "word150 word151?")
    assert quote is not None
    assert "word150 word151" in quote
    assert len(quote.split()) < 50


def test_without_full_text_search_in_sqlite_nothing_is_quoted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class WithoutFts5(sqlite3.Connection):
        def execute(self, *_arguments: object) -> sqlite3.Cursor:
            raise sqlite3.OperationalError("no such module: fts5")

    def connect(database: str) -> sqlite3.Connection:
        return WithoutFts5(database)

    monkeypatch.setattr(sqlite3, "connect", connect)
    assert ask(session_with_facts(), "What is my dog called?") is None
