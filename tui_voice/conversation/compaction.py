"""Begins a compaction, when the policy or the user asks for one.

Each function returns the outputs of one decision: the event that records it, then the effects
that carry it out. `compaction_steps` has the steps that follow.
"""

from __future__ import annotations

from dataclasses import replace

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation import payback, planning
from tui_voice.conversation.effects import Output
from tui_voice.conversation.ledger import MEMORY_STEM, MOST_REFUSED, Ledger
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.plan import Plan
from tui_voice.conversation.prunable import droppable, is_prunable
from tui_voice.conversation.situation import Situation
from tui_voice.conversation.states import State
from tui_voice.conversation.turns import Turn

NOT_TRANSCRIBED = "(spoken; not transcribed)"
"""Replaces the words of a turn without transcript in the source of a summary."""
SILENCE = "(silence)"
"""The same for a silence that the server committed by itself."""


def due_compaction(
    ledger: Ledger, limits: Limits, situation: Situation, state: State
) -> list[Output]:
    """The compaction that the policy wants now; nothing while the window is in use.

    While the user speaks nothing is summarised. Audio may still become text then: otherwise the
    next reply would be charged for the audio.
    """
    quiet = state in (State.IDLE, State.LISTENING)
    if not quiet or situation.window_in_use or ledger.compaction is not None:
        return []
    if corrected := _corrected_turns(ledger):
        return _begun(ledger, Plan("textify", corrected, "corrected by you"))
    found = planning.plan_compaction(ledger, limits)
    outputs: list[Output] = [found.check] if found.check else []
    if found.plan is None or (state is State.LISTENING and found.plan.kind == "summary"):
        return outputs
    return outputs + _begun(ledger, found.plan)


def summary_by_hand(
    ledger: Ledger, limits: Limits, situation: Situation, focus: str
) -> list[Output]:
    """A summary that the user asked for, or a notice that says why there is none.

    `focus`: what the summary must not lose, in the user's words.
    """
    found = planning.plan_compaction(ledger, limits, forced=True)
    if found.plan is None:
        return [_nothing_summarised(found.reason)]
    settled = tuple(t for t in found.plan.turns if t.wire_id not in situation.playback.unsettled)
    if not settled:
        return [_nothing_summarised("the reply is still being played")]
    return _summary(ledger, replace(found.plan, turns=settled), focus)


def summary_again(ledger: Ledger, limits: Limits) -> list[Output]:
    """The summary that a lost connection interrupted, of those turns that may still be pruned."""
    last = ledger.compactions[-1] if ledger.compactions else None
    if last is None or last.kind != "summary" or last.stage != "broken":
        return []
    left = tuple(t for t in droppable(ledger.held(), limits.keep) if t.id in last.turns)
    return _summary(ledger, Plan("summary", left, "again after a reconnect")) if left else []


def valued_pruning(ledger: Ledger, limits: Limits) -> list[Output]:
    """What the pruning that is about to begin costs and saves, if that is not recorded yet.

    Nothing where the model is free, or the window does not shrink by it.
    """
    running = ledger.compaction
    if limits.free or running is None or running.worth is not None or running.stage != "ready":
        return []
    if running.kind not in ("summary", "textify", "tools") or ledger.connection.status != "online":
        return []
    found = payback.payback_of(
        ledger, running, limits.price, payback.SUMMARY_PRICE, limits.spec.kept_audio
    )
    valued = e.PruningValued(
        compaction_id=running.id,
        freed=found.freed,
        broken=found.broken,
        usd_once=round(found.usd_once, 9),
        usd_per_reply=round(found.usd_per_reply, 9),
        usd_per_hour=round(found.usd_per_hour, 6),
    )
    return [valued]


def restored_turns(ledger: Ledger, turn_ids: tuple[str, ...]) -> list[Output]:
    """Returns pruned turns to the model as text. No `turn_ids`: those of the last summary."""
    if ledger.compaction is not None:
        text = "Nothing was restored: a compaction is running. Try again when it is done."
        return [e.Noticed(text=text)]
    if ledger.connection.status != "online":
        return []
    pruned = [turn for turn in ledger.turns if turn.pruned_in and turn.heard_text]
    wanted = turn_ids or _last_pruned(ledger, pruned)
    turns = tuple(turn.id for turn in pruned if turn.id in wanted)
    if not turns:
        return []
    restore = e.RestoreRequested(
        compaction_id=_next_id(ledger, "back_"), turns=turns, window=ledger.window.total
    )
    return [restore]


def corrected_memory(ledger: Ledger, turn_id: str) -> list[Output]:
    """The memory with a note about a turn that the user corrected after it was summarised.

    The next summary works the note in. Nothing where the memory does not contain the turn.
    """
    turn, running = ledger.turns.get(turn_id), ledger.compaction
    if turn is None:
        return []
    summary = running if running is not None and running.kind == "summary" else None
    summarised = summary is not None and turn.id in summary.turns
    if not (turn.pruned_in or summarised):
        return []
    written = summary is not None and summary.stage != "requested"
    memory = summary.summary if summary is not None and written else ledger.memory
    note = f"Misheard: “{turn.misheard}”. The user said: “{turn.text}”."
    return [e.MemoryEdited(text=f"{memory}\n{note}".lstrip())]


def _corrected_turns(ledger: Ledger) -> tuple[Turn, ...]:
    """The turns that the model has as they were before the user corrected them."""
    connection = ledger.connection
    if connection.status != "online" or connection.refused_compactions >= MOST_REFUSED:
        return ()
    return tuple(turn for turn in ledger.held() if turn.outdated and not turn.unchangeable)


def voice_repair(ledger: Ledger) -> list[Output]:
    """Withdraws a reply that came without audio, and moves earlier replies into system items.

    Given as the assistant's own words, they may have led the model to answer in text only.
    """
    silent = ledger.turns.silent_reply()
    earlier = tuple(
        turn.id
        for turn in ledger.held()
        if turn.role == "assistant" and turn.modality == "text" and is_prunable(turn)
    )
    repair = e.VoiceRepairRequested(
        compaction_id=_next_id(ledger, "voice_"),
        turns=tuple(turn_id for turn_id in earlier if turn_id not in silent) + silent,
        withdrawn=silent,
        window=ledger.window.total,
    )
    return [repair]


def _begun(ledger: Ledger, plan: Plan) -> list[Output]:
    if plan.kind == "summary":
        return _summary(ledger, plan)
    if plan.kind == "tools":
        pruning = e.ToolPruningRequested(
            compaction_id=_next_id(ledger, "tool_"),
            turns=tuple(turn.id for turn in plan.turns),
            window=ledger.window.total,
            cause=plan.cause,
        )
        return [pruning]
    textify = e.TextifyRequested(
        compaction_id=_next_id(ledger, "text_"),
        turns=tuple(turn.id for turn in plan.turns),
        window=ledger.window.total,
        cause=plan.cause,
    )
    return [textify]


def _summary(ledger: Ledger, plan: Plan, focus: str = "") -> list[Output]:
    compaction_id = _next_id(ledger, MEMORY_STEM)
    requested = e.SummaryRequested(
        compaction_id=compaction_id,
        drop=tuple(turn.id for turn in plan.turns),
        window=ledger.window.total,
        cause=plan.cause,
    )
    request = x.RequestSummary(
        compaction_id=compaction_id,
        turns=tuple(_source(turn) for turn in plan.turns),
        memory=ledger.memory,
        focus=focus,
        facts=ledger.facts,
    )
    return [requested, request]


def _source(turn: Turn) -> x.SourceTurn:
    if turn.image:
        return x.SourceTurn(item_id=turn.id, role=turn.role, text=f"[image: {turn.text}]")
    text = turn.heard_text or (SILENCE if turn.after_silence else NOT_TRANSCRIBED)
    return x.SourceTurn(item_id=turn.id, role=turn.role, text=text)


def _next_id(ledger: Ledger, stem: str) -> str:
    """The id of the next compaction. Example: "memory_0003" after two compactions."""
    return f"{stem}{ledger.serial + 1:04d}"


def _last_pruned(ledger: Ledger, pruned: list[Turn]) -> tuple[str, ...]:
    """Ids of the turns of the newest summary of which some turn is still pruned."""
    pruned_in = {turn.pruned_in for turn in pruned}
    for compaction in reversed(ledger.compactions):
        if compaction.kind == "summary" and compaction.id in pruned_in:
            return compaction.turns
    return ()


def _nothing_summarised(reason: str) -> e.Noticed:
    return e.Noticed(text=f"Nothing was summarised: {reason}.")
