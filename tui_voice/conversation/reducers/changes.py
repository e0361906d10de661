"""Changes of a ledger that several reducers make: of a turn, of the window, of the notices."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import Ledger, UnreportedUsage, Window
from tui_voice.conversation.turns import Turn, Turns

NOTICES_KEPT = 50


def change(ledger: Ledger, item_id: str, **fields: Any) -> Ledger:
    """Replaces fields of one turn, and adapts the window to its new weight."""
    place = ledger.turns.find(item_id)
    if place is None:
        return ledger
    before = ledger.turns[place]
    if all(getattr(before, name) == value for name, value in fields.items()):
        return ledger
    after = replace(before, **fields)
    turns = ledger.turns.put(place, after)
    text, audio = _added(before, after)
    if not (text or audio) and before.wire_id == after.wire_id:
        return replace(ledger, turns=turns)
    window = weigh(ledger.window, text, audio)
    prefix = min(ledger.cacheable_prefix_tokens, _tokens_in_front(turns, window, after))
    return replace(ledger, turns=turns, window=window, cacheable_prefix_tokens=prefix)


def _added(before: Turn, after: Turn) -> tuple[int, int]:
    """Text and audio tokens that a change of a turn adds to the window."""
    text = after.text_tokens if after.in_window else 0
    audio = after.audio_tokens if after.in_window else 0
    if before.in_window:
        text, audio = text - before.text_tokens, audio - before.audio_tokens
    return text, audio


def _tokens_in_front(turns: Turns, window: Window, turn: Turn) -> int:
    """Tokens of the window in front of a turn. Counted from the end, where most changes are."""
    behind = 0
    for other in turns.held_backwards():
        behind += other.tokens
        if other.id == turn.id:
            break
    return max(0, window.total - behind)


def add(ledger: Ledger, turn: Turn, previous: str | None) -> Ledger:
    """Adds a new turn behind the item `previous`, or at the end if that is None or unknown.

    Turns that were pruned right behind `previous` were said earlier, so they stay in front.
    """
    turns = ledger.turns
    last = turns.last
    if previous is None or last is None or last.id == previous:
        turns = turns.append(turn)
    else:
        for follower in turns.after(previous):
            if not follower.pruned_in:
                break
            previous = follower.id
        turns = turns.insert_after(previous, turn)
    if not turn.in_window:
        return replace(ledger, turns=turns)
    window = weigh(ledger.window, turn.text_tokens, turn.audio_tokens)
    return replace(ledger, turns=turns, window=window)


def weigh(window: Window, text: int = 0, audio: int = 0) -> Window:
    """The window after an estimated change by so many tokens, never below 0."""
    if not text and not audio:
        return window
    return Window(max(0, window.text + text), max(0, window.audio + audio), window.cached, False)


def notice(ledger: Ledger, event: e.Noticed) -> Ledger:
    """Adds a notice for the user; the oldest of `NOTICES_KEPT` goes."""
    return replace(ledger, notices=(*ledger.notices[1 - NOTICES_KEPT :], event))


def with_unreported(before: Ledger, after: Ledger) -> Ledger:
    """Records a change of the window that was made while a response may be under way.

    The response read the window as it was when it began, so its usage will not show the change.
    `UnreportedUsage` keeps the difference.
    """
    unreported = before.unreported_usage
    if unreported is None:
        return after
    text = after.window.text - before.window.text
    audio = after.window.audio - before.window.audio
    changed = UnreportedUsage(unreported.text - text, unreported.audio - audio)
    return replace(after, unreported_usage=changed)
