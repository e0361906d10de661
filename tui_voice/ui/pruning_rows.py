"""The rows of the pruning log, as plain values: what was pruned, and what was found of the limits.

No Textual in here, like in `view`.
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
    from tui_voice.conversation.prices import Price

LOG_ROWS = 40
"""Rows of the pruning log that are drawn; older ones are in the transcript."""


class Worth(NamedTuple):
    """What a pruning brings, by the economist (`conversation.economist`). Tokens and USD."""

    freed: int
    """No longer read again by each reply."""
    broken: int
    """Read uncached once, since what stood before them changed."""
    replies: int | None
    """After so many it has paid back what it cost; None: never."""
    usd_per_hour: float
    """Saved, at the pace of this talk."""


class Pruning(NamedTuple):
    """One row of the pruning log. `ids`: the compactions it stands for, newest last. Of kind
    `limits`: what was found of the user's trigger; `error` says it, `turns` are those kept.
    """

    ids: tuple[str, ...]
    kind: Literal["summary", "textify", "voice", "restore", "limits"]
    when: str
    turns: int
    before: int
    after: int | None
    seconds: float = 0.0
    usd: float | None = None
    stage: Literal["running", "done", "failed"] = "done"
    error: str = ""
    hint: str = ""
    worth: Worth | None = None
    """None: nothing is paid here, or the price is unknown."""


def log(ledger: Ledger, start: datetime | None, price: Price) -> tuple[Pruning, ...]:
    """Newest first. Turns made text one after the other are one row."""
    rows = [
        (judged.at, _limits_row(number, judged, start))
        for number, judged in enumerate(ledger.trigger_checks)
    ]
    recent = ledger.compactions[-LOG_ROWS * 4 :]
    for (kind, stage), group in groupby(recent, key=lambda c: (c.kind, _stage(c))):
        run = list(group)
        for part in [run] if kind == "textify" else [[one] for one in run]:
            last = part[-1]
            row = Pruning(
                ids=tuple(c.id for c in part),
                kind=kind,
                when=clock(start, last.at),
                turns=sum(len(c.turns) - len(c.skipped) for c in part),
                before=_before(part),
                after=last.tokens_after,
                seconds=last.seconds,
                usd=last.usd,
                stage=stage,
                error=last.error,
                hint=last.hint,
                worth=_worth(ledger, last, price),
            )
            rows.append((last.at, row))
    rows.sort(key=lambda row: row[0])
    return tuple(row for _, row in reversed(rows[-LOG_ROWS:]))


def _limits_row(number: int, judged: TriggerChecked, start: datetime | None) -> Pruning:
    """`before`: what the user wants. `after`: what is in force."""
    return Pruning(
        ids=(f"limits_{number}",),
        kind="limits",
        when=clock(start, judged.at),
        turns=judged.kept,
        before=judged.trigger,
        after=judged.instead,
        stage="failed" if judged.usual or judged.instead != judged.trigger else "done",
        error=judged.sentence,
    )


def _before(part: list[Compaction]) -> int:
    """What the window would weigh, had none of these been: between them the talk went on."""
    last = part[-1].tokens_after
    if last is None:
        return part[0].tokens_before
    return last + sum(one.tokens_before - (one.tokens_after or 0) for one in part)


def _stage(compaction: Compaction) -> Literal["running", "done", "failed"]:
    if compaction.under_way:
        return "running"
    return "done" if compaction.stage == "confirmed" else "failed"


def _worth(ledger: Ledger, compaction: Compaction, price: Price) -> Worth | None:
    """Only of what was done, and where it saves real money."""
    if (
        compaction.stage != "confirmed"
        or compaction.kind in ("restore", "voice")
        or not ledger.cost
    ):
        return None
    from tui_voice.conversation.payback import payback_at  # not before there is a pruning
    from tui_voice.conversation.prices import Price

    found = payback_at(ledger, compaction, price, Price())
    replies = found.replies_to_pay_back
    return Worth(
        found.freed,
        found.broken,
        None if replies is None else max(1, ceil(replies)),
        found.usd_per_hour,
    )
