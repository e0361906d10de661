"""Which turns may change: those older than the kept ones, those whose words are known."""

from __future__ import annotations

from collections.abc import Sequence

from tui_voice.conversation.turns import Turn


def touchable(turn: Turn) -> bool:
    """Whether a turn may be taken from the window: its words are known and nothing holds it."""
    return turn.in_window and not turn.pinned and not turn.stuck and turn.words == "done"


def droppable(held: Sequence[Turn], keep: int, urgent: bool = False) -> list[Turn]:
    """The turns before the newest `keep` that may go. A call goes with its output, or not at all.

    `urgent`: also those whose words never came; the server would drop them next, unsummarised.
    """
    old = split(held, keep)[0]
    drop = [t for t in old if touchable(t) or (urgent and _wordless(t))]
    names = {turn.id for turn in drop}
    torn = {t.call_id for t in held if t.call_id and t.id not in names}
    return [turn for turn in drop if turn.call_id not in torn]


def split(held: Sequence[Turn], keep: int) -> tuple[Sequence[Turn], Sequence[Turn]]:
    """The older turns, and the newest `keep` that were said, with the functions called there."""
    place, left = len(held), keep
    while place and (left or held[place - 1].role == "tool") and keep:
        place -= 1
        left -= held[place].role != "tool"
    return held[:place], held[place:]


def _wordless(turn: Turn) -> bool:
    return turn.words == "failed" and turn.in_window and not turn.pinned and not turn.stuck


def answered(held: Sequence[Turn]) -> int:
    """How many of the held turns lie before the question that is still to be answered."""
    for i in range(len(held) - 1, -1, -1):
        if held[i].role != "user":
            return i + 1
    return 0


def last_exchange(held: Sequence[Turn]) -> set[str]:
    """Ids of the newest reply and of what it answers."""
    names: set[str] = set()
    answers = True
    for turn in reversed(held[: answered(held)]):
        if turn.role == "user":
            answers = False
        elif not answers:
            break
        names.add(turn.id)
    return names
