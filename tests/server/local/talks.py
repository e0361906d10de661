"""Talks with facts in them, and the questions that should find them again."""

from __future__ import annotations

from tui_voice.server.interfaces import ContextTurn

FILLER = (
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
ASKED = (
    ("What did I tell you my name was?", "Anna"),
    ("What is my name?", "Anna"),
    ("what's my name", "Anna"),
    ("Do you remember my name?", "Anna"),
    ("Who am I?", "Anna"),
    ("Where do I live?", "Oslo"),
    ("What city do I live in?", "Oslo"),
    ("What am I allergic to?", "penicillin"),
    ("Do I have any allergies?", "penicillin"),
    ("How old is my daughter?", "five"),
    ("What's my daughter's name?", "Lily"),
    ("When is my flight?", "Friday at 7 pm"),
    ("When does my flight leave?", "7 pm"),
    ("what is my favorite color", "green"),
    ("What's our budget?", "500 euros"),
    ("What did I say about the budget?", "500"),
    ("Remind me what my job is.", "nurse"),
    ("Where do I work?", "hospital"),
    ("What do I do for a living?", "nurse"),
    ("Where did I park the car?", "behind the station"),
    ("Can you tell me where I parked my car?", "behind the station"),
    ("When does the meeting with Erik start?", "Tuesday"),
    ("Do I prefer trains or buses?", "trains"),
    ("What is my dog's name?", "Bruno"),
    ("What is my dog called?", "Bruno"),
)
ABSENT = (
    "What is my favourite film?",
    "What's my wife's name?",
    "What did I say about the hotel?",
    "When is my birthday?",
    "What is my phone number?",
    "Where does Lily go to school?",
    "Do you remember what we agreed about the garden?",
)
NOT_ABOUT_THE_TALK = (
    "What is the capital of France?",
    "Can you help me with my homework?",
    "What should I cook tonight?",
    "How do I boil an egg?",
    "Tell me a joke.",
    "How are you?",
    "Who wrote Hamlet?",
    "I'm bored.",
    "I have a question.",
    "Could you explain what a black hole is?",
    "What can I do against hiccups?",
    "Thank you so much.",
    "I like that.",
)


def turns(*said: tuple[str, str]) -> list[ContextTurn]:
    """(role, text) pairs as conversation items."""
    return [ContextTurn(f"item_{n}", role, text) for n, (role, text) in enumerate(said)]


def talk(rounds: int = 1) -> list[ContextTurn]:
    """Each fact once, between `rounds` of small talk each."""
    said: list[tuple[str, str]] = []
    for number, fact in enumerate(FACTS):
        said += [("user", fact), ("assistant", "I see.")]
        for n in range(rounds):
            asked, answered = FILLER[(number + n) % len(FILLER)]
            said += [("user", asked), ("assistant", answered)]
    return turns(*said)


def asking(window: list[ContextTurn], question: str) -> list[ContextTurn]:
    return [*window, ContextTurn("asked", "user", question)]
