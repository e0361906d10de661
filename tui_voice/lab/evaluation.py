"""Measures what the model still knows after pruning, and what that costs.

The user mentions facts early in a session. The session continues until they have left the kept
turns. Then the user asks for each fact; it counts as recalled when the reply contains one of its
keywords. The last summary is read back from the server and its language is detected, since the
notebook that this product retells proves its summary by having it written in French.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from tui_voice.config import ContextSettings, Settings
from tui_voice.conversation import events as e
from tui_voice.conversation.items import memory_text
from tui_voice.conversation.limits import Limits, default_limits
from tui_voice.conversation.turns import Turn
from tui_voice.lab.timings import Seconds, Stopwatch
from tui_voice.languages import detect_language, is_spoken_language
from tui_voice.runtime.headless import HeadlessSession
from tui_voice.runtime.session_factory import SessionOptions
from tui_voice.runtime.summary_styles import SummaryForm

RETRIEVE_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class PlantedFact:
    """A fact that the user mentions and later asks for."""

    statement: str
    question: str
    keywords: tuple[str, ...]
    """One of these in the reply, in any case, shows that the model knew the fact."""


FACTS = (
    PlantedFact("My name is Ingrid Solheim.", "What is my name?", ("ingrid",)),
    PlantedFact("I live in Trondheim.", "Where do I live?", ("trondheim",)),
    PlantedFact("I am allergic to walnuts.", "What am I allergic to?", ("walnut", "noix")),
    PlantedFact(
        "My budget for the trip is 2400 euros.", "What is my budget?", ("2400", "2,400", "24")
    ),
    PlantedFact("My sister is called Marit.", "What is my sister called?", ("marit",)),
    PlantedFact(
        "Our flight leaves at 7:45 on the ninth of May.", "When does our flight leave?", ("7:45",)
    ),
    PlantedFact("My dog is called Bolla.", "What is my dog called?", ("bolla",)),
    PlantedFact("I work as a glass blower.", "What do I work as?", ("glass", "verre")),
    PlantedFact("The hotel we booked is the Lindgren.", "Which hotel did we book?", ("lindgren",)),
    PlantedFact(
        "I never drink coffee after noon.", "What do I never drink after noon?", ("coffee",)
    ),
)
"""Invented, so that none can be guessed. Keywords are in English and French where they differ."""

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
    """One way to keep the window small. The policy `server` needs `server_limit` (tokens)."""

    name: str
    policy: str
    trigger: int = 0
    keep: int = 4
    style: str = "structured"
    language: str = "same"
    server_limit: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The last summary of a session."""

    text: str
    by: str
    """The model that wrote it."""
    language: str
    """English name of the language of the text, "" where it could not be detected."""
    shortfall: str
    """How the summary differs from what was asked for, "" where it does not."""
    passed_over: str
    """Why another writer than the first wrote it, "" where the first did."""
    held: bool
    """The server, asked for the item, returned exactly this text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The reply to a question about a planted fact."""

    asked: str
    said: str
    recalled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationResult:
    """The result of one arm. Tokens and USD are of the whole session."""

    arm: Arm
    facts: int
    recalled: int
    """Number of facts that the model still knew."""
    missed: tuple[str, ...]
    """The questions that it could not answer."""
    prunings: int
    failed_prunings: int
    peak_window: int
    final_window: int
    input_tokens: int
    usd: float
    turns: int
    memory: Memory | None
    """None: there was no summary."""
    answers: tuple[Answer, ...]
    seconds: Seconds


def arms(
    triggers: Sequence[int],
    keeps: Sequence[int],
    styles: Sequence[str],
    languages: Sequence[str],
    policies: Sequence[str],
) -> list[Arm]:
    """Returns the arms: no pruning, textify only, server truncation, and summaries in every
    combination of the given values. The name of an arm says how it differs from the others.
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


def run_arm(arm: Arm, settings: Settings, folder: Path, exchanges: int) -> EvaluationResult:
    """Runs one session of so many `exchanges`, then asks the questions. Raises `TuiVoiceError`."""
    summary = replace(settings.summary, style=arm.style, language=arm.language)
    # Without recall the model cannot look up what was pruned. The limits are set below.
    context = ContextSettings(policy=arm.policy, keep=arm.keep, recall=False)
    settings = replace(settings, summary=summary, context=context)
    options = SessionOptions(settings=settings, folder=folder, server_limit=arm.server_limit)
    peak = 0
    answers: list[Answer] = []
    written: list[e.SummaryReady] = []

    stopwatch = Stopwatch()

    def on_event(event: e.Event) -> None:
        stopwatch.take(event)
        if isinstance(event, e.SummaryReady):
            written.append(event)

    with HeadlessSession(options, on_event=on_event) as session:
        session.set_limits(_limits(arm, session))
        for text in script(exchanges):
            session.say(text)
            peak = max(peak, session.snapshot.ledger.window.total)
        for fact in FACTS:
            reply = _reply(session.say(fact.question))
            peak = max(peak, session.snapshot.ledger.window.total)
            known = any(word in reply.casefold() for word in fact.keywords)
            answers.append(Answer(asked=fact.question, said=reply, recalled=known))
        text = session.snapshot.ledger.memory
        memory = _memory(session, arm, [one for one in written if one.text == text])
        ledger = session.snapshot.ledger
    done = [c for c in ledger.compactions if c.kind == "summary"]
    return EvaluationResult(
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
        seconds=stopwatch.seconds(),
    )


def script(exchanges: int) -> list[str]:
    """Returns what the user says: the facts spread over the first half, small talk between them."""
    spread = max(1, exchanges // 2 // len(FACTS))
    lines: list[str] = []
    facts = iter(FACTS)
    for index in range(exchanges):
        fact = next(facts, None) if index % spread == 0 else None
        lines.append(fact.statement if fact else FILLER[index % len(FILLER)])
    return lines + [fact.statement for fact in facts]


def _memory(session: HeadlessSession, arm: Arm, ready: Sequence[e.SummaryReady]) -> Memory | None:
    """Returns the summary in the window; the server is asked whether it holds the same text."""
    ledger = session.snapshot.ledger
    if not ledger.memory:
        return None
    held = session.retrieve(ledger.memory_id).result(RETRIEVE_TIMEOUT_S)
    return Memory(
        text=ledger.memory,
        by=ready[-1].source if ready else "",
        language=detect_language(ledger.memory),
        shortfall=SummaryForm(style=arm.style, language=arm.language).shortfall(ledger.memory),
        passed_over=ready[-1].passed_over if ready else "",
        held=held == memory_text(ledger.memory),
    )


def _limits(arm: Arm, session: HeadlessSession) -> Limits:
    limits = default_limits(session.snapshot.ledger.model, arm.policy, keep=arm.keep)
    return replace(limits, trigger=arm.trigger) if arm.trigger else limits


def _reply(turns: Sequence[Turn]) -> str:
    return " ".join(turn.text for turn in turns if turn.role == "assistant")
