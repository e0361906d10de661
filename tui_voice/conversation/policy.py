"""When to compact, and what: pure functions of a ledger and limits.

First what lies at the end of the window becomes text, where that breaks no cached beginning; then,
if the window is still too full, old turns are summarised. Each waits when it would lose money.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tui_voice.conversation import economist
from tui_voice.conversation.ledger import Compaction, Ledger
from tui_voice.conversation.limits import (
    FIXED_TOKENS,
    Limits,
    Plan,
    Policy,
    best_span,
    check,
    default_limits,
)
from tui_voice.conversation.prices import PRICES
from tui_voice.conversation.turns import Turn

__all__ = [
    "Limits",
    "Plan",
    "Policy",
    "Verdict",
    "check",
    "default_limits",
    "judge",
    "next_look",
    "plan",
    "touchable",
]

STUCK_AFTER = 120.0
"""Seconds after which a transcript that has not come no longer holds anything up."""
BACK_OFF = 15.0
"""Seconds until a summary that failed is tried again; doubles with each failure, up to 16 times."""
ROLLOVER_SOON = 300.0
"""Seconds before the server session ends in which its cache no longer counts."""
RECENT_REPLIES = 6
"""Among so many newest replies `balanced` keeps at most half of the seconds as sound."""
TEXTIFY_HORIZON = 50.0
"""Replies within which a late textify must pay, where no summary will come."""
STARTS = 16
"""From so many of the newest turns on, at most, what is ripe may become text at once."""
SOON = 5.0
"""Replies that will at least read what is kept as sound, however near the next summary is."""
PATIENCE = 1.5
"""How many times the trigger the window may reach while pruning would still lose money."""

_WRITER = PRICES.models[economist.WRITER]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the policy thinks now."""

    plan: Plan | None
    reason: str
    """Why this plan, or why none, in a few words."""
    notice: str = ""
    """Something the user should be told, once."""


def touchable(turn: Turn) -> bool:
    """Whether a turn may be taken from the window: its words are known and nothing holds it."""
    return turn.in_window and not turn.pinned and not turn.stuck and turn.words == "done"


def plan(ledger: Ledger, limits: Limits, *, forced: bool = False) -> Plan | None:
    """What to compact now. None: nothing is due, worth it, or ripe (`judge` says why).

    `forced`: by hand, whatever the window holds.
    """
    return judge(ledger, limits, forced=forced).plan


def judge(ledger: Ledger, limits: Limits, *, forced: bool = False) -> Verdict:
    """The plan, or the reason why there is none."""
    if ledger.compaction is not None:
        return Verdict(None, "a pruning is under way")
    if ledger.link.status != "online":
        return Verdict(None, "there is no line")
    held = ledger.held()
    if forced:
        drop = _droppable(held, limits.keep)
        if not drop:
            return Verdict(None, "nothing is older than the kept turns")
        return _verdict("summary", drop, "by hand")
    if not limits.prunes:
        return Verdict(None, f"policy {limits.policy}: nothing is pruned")
    if limits.textifies and (found := _textify(ledger, limits, held)):
        return found
    return _summary(ledger, limits, held)


def next_look(ledger: Ledger, limits: Limits) -> float | None:
    """When (`at`) to look again although nothing happens: a `TimePassed` is wanted then."""
    if not limits.prunes or ledger.link.status != "online" or not ledger.recent:
        return None
    cold = ledger.recent[-1].at + limits.cold_after
    times = [cold] if limits.policy != "notebook" else []
    if limits.every is not None:
        times.append(_last_pruned_at(ledger) + limits.every)
    return min((time for time in times if time > ledger.at), default=None)


def _verdict(kind: str, turns: Iterable[Turn], cause: str) -> Verdict:
    chosen = tuple(turns)
    made = Plan("summary" if kind == "summary" else "textify", chosen, cause)
    return Verdict(made, cause)


# ── which turns ──────────────────────────────────────────────────────────────────────────────


def _droppable(held: Sequence[Turn], keep: int, urgent: bool = False) -> list[Turn]:
    """The turns before the newest `keep` that may go. A call goes with its output, or not at all.

    `urgent`: also those whose words never came; the server would drop them next, unsummarised.
    """
    old = _split(held, keep)[0]
    drop = [t for t in old if touchable(t) or (urgent and _wordless(t))]
    names = {turn.id for turn in drop}
    torn = {t.call_id for t in held if t.call_id and t.id not in names}
    return [turn for turn in drop if turn.call_id not in torn]


def _split(held: Sequence[Turn], keep: int) -> tuple[Sequence[Turn], Sequence[Turn]]:
    """The older turns, and the newest `keep`."""
    place = max(0, len(held) - keep)
    return held[:place], held[place:]


def _wordless(turn: Turn) -> bool:
    return turn.words == "failed" and turn.in_window and not turn.pinned and not turn.stuck


def _answered(held: Sequence[Turn]) -> int:
    """How many of the held turns lie before the question that is still to be answered."""
    for i in range(len(held) - 1, -1, -1):
        if held[i].role != "user":
            return i + 1
    return 0


# ── to text ──────────────────────────────────────────────────────────────────────────────────


def _textify(ledger: Ledger, limits: Limits, held: Sequence[Turn]) -> Verdict | None:
    """The sound that is cheaper as words: what the last reply added, or more if that pays."""
    ripe = [
        turn
        for turn in held[: _answered(held)]
        if turn.modality == "audio" and touchable(turn) and turn.heard_text
    ]
    if limits.policy == "balanced":
        kept = _kept_sound(ledger, held)
        ripe = [turn for turn in ripe if turn.id not in kept]
    if not ripe:
        return None
    left = _replies_left(ledger, limits)
    best: tuple[float, int] | None = None
    for start in range(len(ripe) - 1, max(-1, len(ripe) - 1 - STARTS), -1):
        worth = economist.weigh(
            ledger, Plan("textify", tuple(ripe[start:]), ""), limits.weights, _WRITER
        )
        gain = worth.usd_per_reply * left - worth.usd_once
        if gain > 0 and (best is None or gain > best[0]):
            best = gain, start
    if best is None:
        return None
    chosen = ripe[best[1] :]
    late = any(turn.id not in _tail(held) for turn in chosen)
    return _verdict("textify", chosen, "late words, cheaper now" if late else "sound to words")


def _tail(held: Sequence[Turn]) -> set[str]:
    """The last exchange: the newest reply and what it answers."""
    names: set[str] = set()
    answers = True
    for turn in reversed(held[: _answered(held)]):
        if turn.role == "user":
            answers = False
        elif not answers:
            break
        names.add(turn.id)
    return names


def _kept_sound(ledger: Ledger, held: Sequence[Turn]) -> set[str]:
    """Replies that `balanced` leaves as sound: those the cache holds as such, and the newest one
    as long as no more than half of the newest replies' seconds stay sound.

    Sound that must be read anew at the full price is kept no longer: that is the most expensive
    thing in a window.
    """
    if economist.hit_rate(ledger) < 0.9:
        return set()
    replies = [t for t in held if t.role == "assistant" and t.spoken]
    recent = replies[-RECENT_REPLIES:]
    kept = set()
    place = ledger.fixed + ledger.memory_tokens
    for turn in held:
        place += turn.tokens
        if turn.role == "assistant" and turn.modality == "audio" and place <= ledger.intact + 64:
            kept.add(turn.id)
    if recent and recent[-1].modality == "audio":
        sound = sum(t.audio_ms for t in recent if t.modality == "audio")
        if len(recent) == 1 or sound <= sum(t.audio_ms for t in recent) / 2:
            kept.add(recent[-1].id)
    return kept


def _replies_left(ledger: Ledger, limits: Limits) -> float:
    """How many replies will probably read the window before the next summary."""
    if limits.policy == "textify":
        return TEXTIFY_HORIZON
    room = limits.trigger - ledger.window.total
    return max(SOON, room / economist.growth(ledger, textified=True))


# ── to a summary ─────────────────────────────────────────────────────────────────────────────


def _summary(ledger: Ledger, limits: Limits, held: Sequence[Turn]) -> Verdict:
    window = ledger.window.total
    urgent = window >= limits.ceiling
    after = _after(ledger, limits, held)
    trigger, notice = _trigger(ledger, limits, after)
    cause = _cause(ledger, limits, held, trigger)
    if cause is None:
        waits = "below the trigger" if limits.policy != "textify" else "summaries are not wanted"
        return Verdict(None, waits, notice if window >= limits.trigger else "")
    old = _split(held, limits.keep)[0]
    if not urgent and any(_still_coming(turn, ledger.at) for turn in old):
        return Verdict(None, "a transcript among the old turns is still missing")
    drop = _droppable(held, limits.keep, urgent)
    if not drop:
        return Verdict(None, "nothing is older than the kept turns", notice)
    if (until := _backs_off_until(ledger)) > ledger.at:
        return Verdict(None, f"the last summary failed; again in {until - ledger.at:.0f} s")
    if urgent or limits.policy == "notebook":
        return _verdict("summary", drop, cause)
    if regrowing := _regrowing(ledger, PATIENCE * trigger):
        return Verdict(None, regrowing)
    impatient = limits.free or cause != _FULL or window >= PATIENCE * trigger
    if not impatient and not _pays(ledger, limits, drop):
        return Verdict(None, "pruning now would cost more than it saves")
    return _verdict("summary", drop, cause)


_FULL = "window full"
_MISSES = "window full, and the cache forgets"
_CEILING = "the server would soon drop turns by itself"


def _cause(ledger: Ledger, limits: Limits, held: Sequence[Turn], trigger: float) -> str | None:
    """What calls for a summary now."""
    window = ledger.window.total
    if window >= limits.ceiling:
        return _CEILING
    if limits.policy == "textify":
        return None
    if window >= trigger:
        return _FULL if window >= limits.trigger else _MISSES
    if limits.messages is not None and len(held) >= limits.messages:
        return f"{len(held)} turns in the window"
    if limits.every is not None and ledger.at - _last_pruned_at(ledger) >= limits.every:
        return f"{limits.every / 60:.0f} minutes since the last pruning"
    if limits.policy != "notebook" and window >= limits.trigger / 2:
        return _cold(ledger, limits)
    return None


def _cold(ledger: Ledger, limits: Limits) -> str | None:
    """Whether the cache is lost anyway: the cheapest moment of all."""
    if ledger.recent and ledger.at - ledger.recent[-1].at >= limits.cold_after:
        return "a pause: the cache is cold anyway"
    if ledger.link.expires_at is not None and ledger.opened is not None:
        opened = datetime.fromisoformat(ledger.opened.started).timestamp()
        if ledger.link.expires_at - (opened + ledger.at) < ROLLOVER_SOON:
            return "the server session ends soon: the cache with it"
    return None


def _after(ledger: Ledger, limits: Limits, held: Sequence[Turn]) -> float:
    """What the window will weigh after a summary, estimated."""
    fixed = ledger.fixed if ledger.recent else FIXED_TOKENS
    kept = {turn.id for turn in _split(held, limits.keep)[1]}
    gone = {turn.id for turn in _droppable(held, limits.keep)}
    weights = (
        turn.as_text_tokens if limits.textifies and turn.id in kept else turn.tokens
        for turn in held
        if turn.id not in gone
    )
    dropped = sum(turn.tokens for turn in held if turn.id in gone)
    return fixed + economist.summary_tokens(ledger, dropped) + sum(weights)


def _trigger(ledger: Ledger, limits: Limits, after: float) -> tuple[float, str]:
    """The trigger in force, and what the user should know of it.

    Higher than the user's where the kept turns alone (almost) reach it, or every turn would be
    pruned; lower where the cache holds less than it should, since re-reading is then dearer.
    """
    wanted = float(limits.trigger)
    if limits.policy != "notebook":
        rate = economist.hit_rate(ledger)
        if rate < 0.95 and after < wanted:
            grown = economist.growth(ledger, limits.textifies)
            usual = best_span(limits.weights, after, grown)
            now = best_span(limits.weights, after, grown, rate)
            wanted = after + (wanted - after) * min(1.0, now / usual)
    least = after * 1.25
    if least <= limits.trigger:
        return max(wanted, least), ""
    fixed = ledger.fixed
    if fixed >= limits.trigger:
        notice = (
            f"The instructions alone weigh more than the trigger of {limits.trigger:,} tokens; "
            "old turns are summarised later. Raise the trigger."
        )
    else:
        notice = (
            f"The {limits.keep} kept turns weigh nearly the trigger of {limits.trigger:,} tokens; "
            "old turns are summarised later, or every turn would be. Raise the trigger or keep "
            "fewer turns."
        )
    return least, notice


def _still_coming(turn: Turn, now: float) -> bool:
    return turn.words == "open" and now - turn.at < STUCK_AFTER


def _pays(ledger: Ledger, limits: Limits, drop: Sequence[Turn]) -> bool:
    """Whether pruning now earns its cost back before the next one."""
    worth = economist.weigh(
        ledger, Plan("summary", tuple(drop), ""), limits.weights, _WRITER, limits.textifies
    )
    replies = worth.replies_to_pay_back
    grown = economist.growth(ledger, limits.textifies)
    return replies is not None and replies <= worth.freed / grown


def _regrowing(ledger: Ledger, most: float) -> str:
    """Why it is too early: the window is to regrow by half of what the last pruning freed, but not
    beyond `most` tokens.
    """
    last = _last(ledger, "confirmed")
    if last is None or last.tokens_after is None:
        return ""
    if last.kind == "restore":
        wanted = last.tokens_after * 1.5  # what the user took back is not taken away again at once
    else:
        freed = last.tokens_before - last.tokens_after
        wanted = min(most, last.tokens_after + freed / 2)
    if ledger.window.total >= wanted:
        return ""
    return f"the window has not regrown to {wanted:,.0f} tokens since the last pruning"


def _backs_off_until(ledger: Ledger) -> float:
    """After failures: when a summary may be tried again."""
    failures, since = 0, 0.0
    for compaction in reversed(ledger.compactions):
        if compaction.kind != "summary":
            continue
        if compaction.stage != "failed":
            break
        since = max(since, compaction.done_at or 0.0)
        failures += 1
        if failures == 5:
            break
    return since + BACK_OFF * 2 ** (failures - 1) if failures else 0.0


def _last(ledger: Ledger, stage: str) -> Compaction | None:
    for compaction in reversed(ledger.compactions):
        if compaction.kind in ("summary", "restore") and compaction.stage == stage:
            return compaction
    return None


def _last_pruned_at(ledger: Ledger) -> float:
    """When the window was last pruned; without a pruning, when the first turn began."""
    last = _last(ledger, "confirmed")
    if last is not None:
        return last.done_at or last.at
    return next((turn.at for turn in ledger.turns), ledger.at)
