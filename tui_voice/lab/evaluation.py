"""What the model still knows after pruning, and what that costs: the cookbook's open exercise.

Facts are planted in a talk, the talk goes on until they have left the kept turns, then each is
asked for. A fact counts as recalled when the reply holds its telling words. The last summary is
asked back from the server, and its language measured: the cookbook's own proof is a French one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from tui_voice.config import ContextSettings, Settings
from tui_voice.conversation import events as e
from tui_voice.conversation.items import memory_text
from tui_voice.conversation.limits import Limits, default_limits
from tui_voice.conversation.turns import Turn
from tui_voice.languages import detect_language, is_spoken_language
from tui_voice.runtime.headless import HeadlessSession
from tui_voice.runtime.session_factory import SessionOptions
from tui_voice.runtime.summary_styles import SummaryForm

RETRIEVE_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Fact:
    """`said` plants it, `asked` asks for it, `telling`: any of these words in the reply will do."""

    said: str
    asked: str
    telling: tuple[str, ...]


FACTS = (
    Fact("My name is Ingrid Solheim.", "What is my name?", ("ingrid",)),
    Fact("I live in Trondheim.", "Where do I live?", ("trondheim",)),
    Fact("I am allergic to walnuts.", "What am I allergic to?", ("walnut", "noix")),
    Fact("My budget for the trip is 2400 euros.", "What is my budget?", ("2400", "2,400", "24")),
    Fact("My sister is called Marit.", "What is my sister called?", ("marit",)),
    Fact(
        "Our flight leaves at 7:45 on the ninth of May.", "When does our flight leave?", ("7:45",)
    ),
    Fact("My dog is called Bolla.", "What is my dog called?", ("bolla",)),
    Fact("I work as a glass blower.", "What do I work as?", ("glass", "verre")),
    Fact("The hotel we booked is the Lindgren.", "Which hotel did we book?", ("lindgren",)),
    Fact("I never drink coffee after noon.", "What do I never drink after noon?", ("coffee",)),
)
"""Invented; none can be guessed. Where a word differs, the French one counts as well."""

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
class Memory:
    """The last summary of a talk. `held`: the server itself, asked for the item, gave back this
    very text. `language`: what the text is in, "" where that could not be told. `shortfall`: in
    what it is not as asked for.
    """

    text: str
    by: str
    language: str
    shortfall: str
    passed_over: str
    """Whom the settings wanted to write it, and why somebody else did; "" else."""
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was said to a question about a planted fact."""

    asked: str
    said: str
    recalled: bool


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
    memory: Memory | None
    """None: nothing was summarised."""
    answers: tuple[Answer, ...]


def arms(
    triggers: Sequence[int],
    keeps: Sequence[int],
    styles: Sequence[str],
    languages: Sequence[str],
    policies: Sequence[str],
) -> list[Arm]:
    """Summaries off, textify only, server truncation; and summaries, varied in every way asked
    for. A name tells in what an arm differs from the others.
    """
    least = min(triggers)
    plain = [
        Arm("nothing", "none", keep=keeps[0]),
        Arm("textify only", "textify", keep=keeps[0]),
        Arm(f"server cut at {least}", "server", keep=keeps[0], server_limit=least),
    ]
    summaries = [
        Arm(
            " ".join(
                [
                    "summary" if policy == "balanced" else policy,
                    f"at {at}",
                    *([f"keep {keep}"] if len(keeps) > 1 else []),
                    *([style] if len(styles) > 1 else []),
                    *([language] if not is_spoken_language(language) else []),
                ]
            ),
            policy,
            at,
            keep,
            style,
            language,
        )
        for policy, style, language, keep, at in product(
            policies, styles, languages, keeps, triggers
        )
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
    # What was pruned is not to be looked up; the arm's limits are set below.
    context = ContextSettings(policy=arm.policy, keep=arm.keep, recall=False)
    settings = replace(settings, summary=summary, context=context)
    opening = SessionOptions(settings=settings, folder=folder, server_limit=arm.server_limit)
    peak = 0
    answers: list[Answer] = []
    written: list[e.SummaryReady] = []

    def hear(event: e.Event) -> None:
        if isinstance(event, e.SummaryReady):
            written.append(event)

    with HeadlessSession(opening, on_fact=hear) as talk:
        talk.session.set_limits(_limits(arm, talk))
        for text in script(exchanges):
            said = _answer(talk.say(text))
            on_turn(text, said)
            peak = max(peak, talk.now.ledger.window.total)
        for fact in FACTS:
            said = _answer(talk.say(fact.asked))
            on_turn(fact.asked, said)
            peak = max(peak, talk.now.ledger.window.total)
            found = any(word in said.casefold() for word in fact.telling)
            answers.append(Answer(asked=fact.asked, said=said, recalled=found))
        text = talk.now.ledger.memory
        memory = _memory(talk, arm, [one for one in written if one.text == text])
        ledger = talk.now.ledger
    done = [c for c in ledger.compactions if c.kind == "summary"]
    return Outcome(
        arm=arm,
        facts=len(FACTS),
        recalled=sum(answer.recalled for answer in answers),
        missed=tuple(answer.asked for answer in answers if not answer.recalled),
        prunings=sum(c.stage == "confirmed" for c in done),
        failed_prunings=sum(c.stage in ("failed", "broken") for c in done),
        peak_window=peak,
        final_window=ledger.window.total,
        input_tokens=ledger.usage.input,
        usd=ledger.cost,
        turns=len(ledger.turns),
        memory=memory,
        answers=tuple(answers),
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


def _memory(talk: HeadlessSession, arm: Arm, ready: Sequence[e.SummaryReady]) -> Memory | None:
    """What the model has for a memory, as the server tells it."""
    ledger = talk.now.ledger
    if not ledger.memory:
        return None
    held = talk.session.retrieve(ledger.memory_id).result(RETRIEVE_TIMEOUT_S)
    return Memory(
        text=ledger.memory,
        by=ready[-1].source if ready else "",
        language=detect_language(ledger.memory),
        shortfall=SummaryForm(style=arm.style, language=arm.language).shortfall(ledger.memory),
        passed_over=ready[-1].passed_over if ready else "",
        held=held == memory_text(ledger.memory),
    )


def _limits(arm: Arm, talk: HeadlessSession) -> Limits:
    limits = default_limits(talk.now.ledger.model, arm.policy, keep=arm.keep)
    return replace(limits, trigger=arm.trigger) if arm.trigger else limits


def _answer(said: Sequence[Turn]) -> str:
    return " ".join(turn.text for turn in said if turn.role == "assistant")
