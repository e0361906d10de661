"""What the model still knows after pruning, and what that costs: the cookbook's open exercise.

Facts are planted in a talk, the talk goes on until they have left the kept turns, then each is
asked for. A fact counts as recalled when the reply holds its telling words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tui_voice.config import Settings
from tui_voice.conversation.limits import Limits, default_limits
from tui_voice.conversation.turns import Turn
from tui_voice.runtime.driving import DrivenTalk
from tui_voice.runtime.opening import Opening


@dataclass(frozen=True, slots=True)
class Fact:
    """`said` plants it, `asked` asks for it, `telling`: any of these words in the reply will do."""

    said: str
    asked: str
    telling: tuple[str, ...]


FACTS = (
    Fact("My name is Ingrid Solheim.", "What is my name?", ("ingrid",)),
    Fact("I live in Trondheim.", "Where do I live?", ("trondheim",)),
    Fact("I am allergic to walnuts.", "What am I allergic to?", ("walnut",)),
    Fact("My budget for the trip is 2400 euros.", "What is my budget?", ("2400", "2,400", "24")),
    Fact("My sister is called Marit.", "What is my sister called?", ("marit",)),
    Fact(
        "Our flight leaves at 7:45 on the ninth of May.", "When does our flight leave?", ("7:45",)
    ),
    Fact("My dog is called Bolla.", "What is my dog called?", ("bolla",)),
    Fact("I work as a glass blower.", "What do I work as?", ("glass",)),
    Fact("The hotel we booked is the Lindgren.", "Which hotel did we book?", ("lindgren",)),
    Fact("I never drink coffee after noon.", "What do I never drink after noon?", ("coffee",)),
)
"""Invented; none can be guessed."""

FILLER = (
    "It rained here the whole morning.",
    "I have been reading a book about lighthouses.",
    "My neighbour is painting the fence green.",
    "The bus was late again today.",
    "I tried a new recipe for lentil soup yesterday.",
    "There was a fine rainbow over the fjord.",
    "I keep losing my left glove.",
    "The library has new chairs by the window.",
    "We watched an old film about trains.",
    "Somebody left a bicycle in the hallway.",
)


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to keep a window. `policy` `server` needs `server_limit` (tokens)."""

    name: str
    policy: str
    trigger: int = 0
    keep: int = 4
    style: str = "structured"
    language: str = "same"
    server_limit: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`recalled` of `facts`; tokens and USD over the whole talk; `missed`: questions."""

    arm: Arm
    facts: int
    recalled: int
    missed: tuple[str, ...]
    prunings: int
    failed_prunings: int
    peak_window: int
    final_window: int
    input_tokens: int
    usd: float
    turns: int


def arms(trigger: int, keep: int, styles: Sequence[str]) -> list[Arm]:
    """Summaries off, textify only, server truncation, and summaries at two thresholds in each
    style asked for.
    """
    plain = [
        Arm("nothing", "none"),
        Arm("textify only", "textify", keep=keep),
        Arm("server truncation", "server", server_limit=trigger),
    ]
    summaries = [
        Arm(f"summary, {style}, at {at}", "balanced", at, keep, style)
        for style in styles
        for at in (trigger, trigger * 2)
    ]
    return plain + summaries


def run_arm(
    arm: Arm,
    settings: Settings,
    folder: Path,
    exchanges: int,
    on_turn: Callable[[str, str], None] = lambda _asked, _answer: None,
) -> Outcome:
    """One whole talk of `exchanges` before the questions. Raises `TuiVoiceError`."""
    summary = replace(settings.summary, style=arm.style, language=arm.language)
    context = replace(settings.context, recall=False)  # what was pruned is not to be looked up
    settings = replace(settings, summary=summary, context=context)
    opening = Opening(settings=settings, folder=folder, server_limit=arm.server_limit)
    peak = 0
    missed: list[str] = []
    with DrivenTalk(opening) as talk:
        talk.session.set_limits(_limits(arm, talk))
        for text in script(exchanges):
            said = talk.say(text)
            on_turn(text, _answer(said))
            peak = max(peak, talk.now.ledger.window.total)
        for fact in FACTS:
            answer = _answer(talk.say(fact.asked))
            on_turn(fact.asked, answer)
            peak = max(peak, talk.now.ledger.window.total)
            if not any(word in answer.casefold() for word in fact.telling):
                missed.append(fact.asked)
        ledger = talk.now.ledger
    done = [c for c in ledger.compactions if c.kind == "summary"]
    return Outcome(
        arm=arm,
        facts=len(FACTS),
        recalled=len(FACTS) - len(missed),
        missed=tuple(missed),
        prunings=sum(c.stage == "confirmed" for c in done),
        failed_prunings=sum(c.stage in ("failed", "broken") for c in done),
        peak_window=peak,
        final_window=ledger.window.total,
        input_tokens=ledger.usage.input,
        usd=ledger.cost,
        turns=len(ledger.turns),
    )


def script(exchanges: int) -> list[str]:
    """The user's side: the facts spread over the first half, small talk for the rest."""
    spread = max(1, exchanges // 2 // len(FACTS))
    lines: list[str] = []
    facts = iter(FACTS)
    for index in range(exchanges):
        fact = next(facts, None) if index % spread == 0 else None
        lines.append(fact.said if fact else FILLER[index % len(FILLER)])
    return lines + [fact.said for fact in facts]


def _limits(arm: Arm, talk: DrivenTalk) -> Limits:
    limits = default_limits(talk.now.ledger.model, arm.policy, keep=arm.keep)  # type: ignore[arg-type]  # one of its names
    return replace(limits, trigger=arm.trigger) if arm.trigger else limits


def _answer(said: Sequence[Turn]) -> str:
    return " ".join(turn.text for turn in said if turn.role == "assistant")
