"""Long sessions are summarised again and again; what the user said remains as it was said."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.long_sessions_harness import LONG_SESSIONS, LongSession
from tests.unmarked_sessions_harness import SMALL_TALK, UNMARKED_SESSIONS
from tui_voice.server.interfaces import ContextTurn
from tui_voice.server.local.summary import summarise

NEEDED = 42
"""Facts of the 45 that have to be left after all compactions."""
KEPT_EXCHANGES = 1
"""Exchanges at the end of a session that are never pruned."""


Exchanges = tuple[tuple[str, str], ...]


def in_parts(exchanges: Exchanges, count: int) -> list[Exchanges]:
    ends = [round(len(exchanges) * n / count) for n in range(count + 1)] if count else []
    return [exchanges[start:end] for start, end in pairwise(ends)]


def memory_of(session: LongSession, small_talk: int = 0) -> str:
    """Returns the memory after the compactions of a session, each of an equal part of it, and after
    so many compactions of small talk.
    """
    parts = in_parts(session.exchanges[:-KEPT_EXCHANGES], session.chunks)
    memory = ""
    for part in parts + in_parts(SMALL_TALK, small_talk):
        turns = [ContextTurn("memory", "system", memory)] if memory else []
        for n, (user, assistant) in enumerate(part):
            turns.append(ContextTurn(f"u{n}", "user", user))
            turns.append(ContextTurn(f"a{n}", "assistant", assistant))
        memory = summarise(turns)
        assert len(memory) < sum(len(turn.text) for turn in turns)
    return memory


def missing_facts(session: LongSession, memory: str) -> list[str]:
    lines = [line.casefold() for line in memory.splitlines()]
    return [
        " + ".join(fact.words)
        for fact in session.facts
        if not any(all(word.casefold() in line for word in fact.words) for line in lines)
    ]


@pytest.fixture(scope="module")
def memories() -> dict[str, str]:
    return {session.name: memory_of(session) for session in LONG_SESSIONS}


def test_at_least_42_of_45_facts_remain_after_13_compactions(memories: dict[str, str]) -> None:
    assert sum(session.chunks for session in LONG_SESSIONS) == 13
    assert sum(len(session.facts) for session in LONG_SESSIONS) == 45
    missing = [m for one in LONG_SESSIONS for m in missing_facts(one, memories[one.name])]
    assert len(missing) <= 45 - NEEDED, missing


@pytest.mark.parametrize("session", LONG_SESSIONS, ids=lambda session: session.name)
def test_no_corrected_value_and_nothing_of_the_assistant_remains(
    session: LongSession, memories: dict[str, str]
) -> None:
    memory = memories[session.name].casefold()
    assert [part for part in session.corrected if part.casefold() in memory] == []
    assert [word for word in session.only_assistant if word.casefold() in memory] == []


@pytest.mark.parametrize("session", LONG_SESSIONS, ids=lambda session: session.name)
def test_every_line_was_said_by_the_user_word_for_word(
    session: LongSession, memories: dict[str, str]
) -> None:
    said = " ".join(user for user, _ in session.exchanges)
    for line in memories[session.name].splitlines()[1:]:
        for part in line.removeprefix("- ").split("[…]"):
            assert part.strip() in said


def test_facts_without_a_name_a_number_or_a_negation_outlast_an_hour_of_small_talk() -> None:
    """72 of 75 remain; the small talk has names, numbers and negations, which tell more."""
    missing = [
        fact
        for session in (*LONG_SESSIONS, *UNMARKED_SESSIONS)
        for fact in missing_facts(session, memory_of(session, small_talk=14))
    ]
    assert len(missing) <= 4, missing
