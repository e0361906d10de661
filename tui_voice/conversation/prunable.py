"""Which turns a compaction may change: older than the kept ones, and with known words."""

from __future__ import annotations

from collections.abc import Sequence

from tui_voice.conversation.turns import Turn


def is_prunable(turn: Turn) -> bool:
    """Whether a turn may leave the window: its words are known and nothing holds it there."""
    return turn.words == "done" and _is_free(turn)


def droppable(held: Sequence[Turn], keep: int, urgent: bool = False) -> list[Turn]:
    """The turns before the newest `keep` that may be pruned.

    A function call goes with its output, or not at all. `urgent`: also turns whose words never
    came, since the server would drop them next, without a summary.
    """
    old = split(held, keep)[0]
    drop = [t for t in old if is_prunable(t) or (urgent and t.words == "failed" and _is_free(t))]
    ids = {turn.id for turn in drop}
    incomplete_calls = {t.call_id for t in held if t.call_id and t.id not in ids}
    return [turn for turn in drop if turn.call_id not in incomplete_calls]


def split(held: Sequence[Turn], keep: int) -> tuple[Sequence[Turn], Sequence[Turn]]:
    """The older turns, and the newest `keep` with the function calls between them.

    Function calls and outputs are not counted. Example: of user, call, output, assistant, the
    newest 2 are all four.
    """
    place, left = len(held), keep
    while place and keep and (left or held[place - 1].role == "tool"):
        place -= 1
        left -= held[place].role != "tool"
    return held[:place], held[place:]


def answered(held: Sequence[Turn]) -> int:
    """How many of the held turns come before the question that is still to be answered."""
    for i in range(len(held) - 1, -1, -1):
        if held[i].role != "user":
            return i + 1
    return 0


def last_exchange(held: Sequence[Turn]) -> set[str]:
    """Ids of the newest reply and of the user's turns that it answers."""
    ids: set[str] = set()
    in_reply = True
    for turn in reversed(held[: answered(held)]):
        if turn.role == "user":
            in_reply = False
        elif not in_reply:
            break
        ids.add(turn.id)
    return ids


def _is_free(turn: Turn) -> bool:
    """Whether neither the user nor the server holds the turn in the window."""
    return turn.in_window and not turn.pinned and not turn.unchangeable
