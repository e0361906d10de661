"""The rows of the pruning log as plain values: prunings, and checks of the user's trigger.

This module knows nothing of Textual.
"""

from __future__ import annotations

from datetime import datetime
from itertools import groupby
from math import ceil
from typing import TYPE_CHECKING, Literal, NamedTuple

from tui_voice.ui.number_format import clock

if TYPE_CHECKING:
    from tui_voice.conversation.events import TriggerChecked
    from tui_voice.conversation.ledger import Compaction, Ledger

LOG_ROWS = 40
"""Rows that the log shows. Older prunings are in the transcript alone."""


class PruningWorth(NamedTuple):
    """What a pruning saves, as the event `PruningValued` says. Tokens and USD."""

    freed: int
    """Tokens that no later reply reads again."""
    broken: int
    """Tokens that the next reply reads uncached, because an item before them changed."""
    replies: int | None
    """Replies until the saving exceeds the cost; None: never."""
    usd_per_hour: float
    """Saved, at the pace of this session."""


class PruningRow(NamedTuple):
    """One row of the pruning log.

    A row of kind `limits` is a check of the user's trigger: `error` is its sentence, `turns` the
    number of kept turns, `before` the trigger that the user wants, `after` the one in force.
    """

    ids: tuple[str, ...]
    """Compactions that the row stands for, the newest last."""
    kind: Literal["summary", "textify", "voice", "restore", "tools", "limits"]
    when: str
    """Wall time, for example `12:41`."""
    turns: int
    before: int
    """Tokens in the window before it."""
    after: int | None
    """Tokens in the window after it; None while it runs."""
    seconds: float = 0.0
    usd: float | None = None
    stage: Literal["running", "done", "failed"] = "done"
    error: str = ""
    hint: str = ""
    details: int = 0
    """Sentences with a name, a number or a negation that were looked for in the summary."""
    kept: int = 0
    """How many of them it has."""
    asked: int = 0
    """Questions that a text model asked about the summarised turns."""
    answered: int = 0
    """How many of them the summary answers."""
    worth: PruningWorth | None = None
    """None: replies cost nothing here, or their price is unknown."""


def pruning_rows(ledger: Ledger, start: datetime | None) -> tuple[PruningRow, ...]:
    """Returns the rows, the newest first. Successive textifications become one row."""
    rows = [
        (check.at, _limits_row(number, check, start))
        for number, check in enumerate(ledger.trigger_checks)
    ]
    recent = ledger.compactions[-LOG_ROWS * 4 :]
    for (kind, stage), group in groupby(recent, key=lambda c: (c.kind, _stage(c))):
        run = list(group)
        for part in [run] if kind == "textify" else [[one] for one in run]:
            last = part[-1]
            row = PruningRow(
                ids=tuple(c.id for c in part),
                kind=kind,
                when=clock(start, last.at),
                turns=sum(len(c.turns) - len(c.skipped) for c in part),
                before=_tokens_before(part),
                after=last.tokens_after,
                seconds=last.seconds,
                usd=last.usd,
                stage=stage,
                error=last.error,
                hint=last.hint,
                details=last.details,
                kept=last.details - len(last.missing),
                asked=last.asked,
                answered=last.asked - len(last.unanswered),
                worth=_worth(last) if ledger.cost else None,
            )
            rows.append((last.at, row))
    rows.sort(key=lambda row: row[0])
    return tuple(row for _, row in reversed(rows[-LOG_ROWS:]))


def _limits_row(number: int, check: TriggerChecked, start: datetime | None) -> PruningRow:
    return PruningRow(
        ids=(f"limits_{number}",),
        kind="limits",
        when=clock(start, check.at),
        turns=check.kept,
        before=check.trigger,
        after=check.instead,
        stage="failed" if check.usual or check.instead != check.trigger else "done",
        error=check.sentence,
    )


def _tokens_before(part: list[Compaction]) -> int:
    """Returns the tokens that the window would hold without any of these compactions.

    It is not the count before the first of them: the window grew between them.
    """
    last = part[-1].tokens_after
    if last is None:
        return part[0].tokens_before
    return last + sum(one.tokens_before - (one.tokens_after or 0) for one in part)


def _stage(compaction: Compaction) -> Literal["running", "done", "failed"]:
    if compaction.under_way:
        return "running"
    return "done" if compaction.stage == "confirmed" else "failed"


def _worth(compaction: Compaction) -> PruningWorth | None:
    """Returns the worth of a finished pruning as it was recorded."""
    found = compaction.worth
    if compaction.stage != "confirmed" or found is None:
        return None
    replies = found.replies_to_pay_back
    return PruningWorth(
        found.freed,
        found.broken,
        None if replies is None else max(1, ceil(replies)),
        found.usd_per_hour,
    )
