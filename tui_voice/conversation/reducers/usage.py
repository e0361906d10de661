"""Reducers of a response: its usage (`response.done`) corrects the estimates of the ledger."""

from __future__ import annotations

from itertools import islice

from msgspec.structs import replace

from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import Ledger, Reply, UnreportedUsage, Window
from tui_voice.conversation.reducers.changes import change, weigh

REPLIES_KEPT = 24
"""Number of the newest replies that are kept, for cost per hour and cache hit rate."""
TURNS_SEARCHED = 12
"""Number of the newest turns among which the turns of a finished reply are searched."""


def response_started(ledger: Ledger, _event: e.ResponseStarted) -> Ledger:
    """The response reads the window, and the items of the server that the window does not count."""
    return replace(ledger, unreported_usage=UnreportedUsage(ledger.uncounted_tokens))


def cancel_refused(ledger: Ledger, _event: e.CancelRefused) -> Ledger:
    """The response had ended before, and its usage was lost."""
    if ledger.unreported_usage is None:
        return ledger
    spent = replace(ledger.spent, estimated=True)
    return replace(_end_turns(ledger), unreported_usage=None, spent=spent)


def response_done(ledger: Ledger, event: e.ResponseDone) -> Ledger:
    if event.response_id and any(r.response_id == event.response_id for r in ledger.recent_replies):
        return ledger  # reported twice
    ledger = _end_turns(ledger)
    if event.status == "completed":
        silent = not event.audio
        ledger = replace(
            ledger,
            silent_replies=ledger.silent_replies + 1 if silent else 0,
            assistant_as_system=ledger.assistant_as_system or silent,
        )
    unreported = ledger.unreported_usage or UnreportedUsage(ledger.uncounted_tokens)
    usage = event.usage
    if usage is None or not usage.input:
        # A response that was made has cost something, which the server did not report.
        made = event.status in ("completed", "incomplete")
        spent = replace(ledger.spent, estimated=ledger.spent.estimated or made)
        return replace(ledger, unreported_usage=None, spent=spent)
    window = Window(
        usage.input_text + usage.input_image + usage.output_text,
        usage.input_audio + usage.output_audio,
        usage.cached,
    )
    window = weigh(window, -unreported.text, -unreported.audio)
    window = _with_later_changes(ledger, event.response_id, window)
    spent = ledger.spent
    if event.usd is None:
        spent = replace(spent, unknown=True)
    else:
        spent = replace(spent, replies=spent.replies + event.usd)
    spent = replace(spent, estimated=spent.estimated or usage.estimated)
    prefix = min(ledger.cacheable_prefix_tokens, usage.input)
    reply = Reply(event.at, usage, event.usd, prefix, event.response_id)
    return replace(
        ledger,
        unreported_usage=None,
        window=window,
        usage=ledger.usage + usage,
        spent=spent,
        replies=ledger.replies + 1,
        recent_replies=(*ledger.recent_replies[1 - REPLIES_KEPT :], reply),
        cacheable_prefix_tokens=prefix if ledger.compaction else usage.input,
    )


def _end_turns(ledger: Ledger) -> Ledger:
    """No more words come for the reply. Turns without audio are held as text by the server."""
    for turn in list(islice(reversed(ledger.turns), TURNS_SEARCHED)):
        if turn.role != "assistant":
            continue
        if turn.words == "open":
            ledger = change(ledger, turn.id, words="done" if turn.text else "failed")
        if turn.modality == "audio" and not turn.audio_ms and turn.in_window and turn.text:
            ledger = change(ledger, turn.id, modality="text", spoken=False)
    return ledger


def _with_later_changes(ledger: Ledger, response_id: str, window: Window) -> Window:
    """The window by a usage, corrected by what happened after the response had begun.

    The user's turns that came since are added. An interruption that cut the reply is subtracted.
    """
    for turn in ledger.turns.held_backwards():
        if turn.role == "user":
            window = weigh(window, turn.text_tokens, turn.audio_tokens)
            continue
        if turn.role == "assistant" and turn.interrupted and turn.response_id == response_id:
            whole = replace(turn, heard_ms=None)
            text, audio = turn.text_tokens - whole.text_tokens, turn.audio_tokens
            window = weigh(window, text, audio - whole.audio_tokens)
        break
    return window
