"""Sessions as lists of turns, for the tests of what the embedded partner answers."""

from __future__ import annotations

from tui_voice.server.interfaces import ContextTurn

SMALL_TALK = (
    ("Tell me about the sea.", "The sea is vast and full of life."),
    ("Why is the sky blue?", "Because air scatters blue light the most."),
    ("That is interesting.", "I think so too."),
    ("Do you like music?", "Music is a fine thing."),
    ("It rained all morning here.", "Rain can be pleasant from inside."),
    ("Tell me something about trains.", "Trains run on rails, and some are very fast."),
)
FACTS = (
    "Hi, my name is Anna and I live in Oslo.",
    "I'm allergic to penicillin, by the way.",
    "My daughter Lily is five.",
    "My flight leaves on Friday at 7 pm.",
    "My favourite colour is green.",
    "Our budget is 400 euros.",
    "I work as a nurse at the university hospital.",
    "I parked the car behind the station.",
    "The meeting with Erik starts at three on Tuesday.",
    "I prefer trains to buses.",
    "My dog is called Bruno.",
    "Actually our budget is 500 euros.",
)


def turns(*spoken: tuple[str, str]) -> list[ContextTurn]:
    """Returns (role, text) pairs as conversation items."""
    return [ContextTurn(f"item_{n}", role, text) for n, (role, text) in enumerate(spoken)]


def session_with_facts(rounds: int = 1) -> list[ContextTurn]:
    """Returns a session in which the user says each of `FACTS` once, with so many exchanges of
    small talk behind each.
    """
    spoken: list[tuple[str, str]] = []
    for number, fact in enumerate(FACTS):
        spoken += [("user", fact), ("assistant", "I see.")]
        for n in range(rounds):
            question, answer = SMALL_TALK[(number + n) % len(SMALL_TALK)]
            spoken += [("user", question), ("assistant", answer)]
    return turns(*spoken)


def with_question(session: list[ContextTurn], question: str) -> list[ContextTurn]:
    """Returns the session with one more turn of the user."""
    return [*session, ContextTurn("question", "user", question)]
