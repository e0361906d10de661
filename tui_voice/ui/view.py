"""`project(snapshot, …) -> View`: all that the talk screen draws, as plain values.

No Textual in here, and of the conversation only its table: the rest is loaded by whoever opens
the talk, after the first paint. Every field is a slice that one widget takes; slices that are
equal are not drawn again. The turns are handed on as they are, since they already share what did
not change.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from tui_voice.conversation.payback import usd_per_hour
from tui_voice.conversation.states import State, live_triggers
from tui_voice.conversation.title import title_of
from tui_voice.ui.notices import NOTHING, Notice, Waiting, notice_of
from tui_voice.ui.pruning_rows import Pruning, log

if TYPE_CHECKING:
    from tui_voice.conversation.conversation import Snapshot
    from tui_voice.conversation.events import TriggerChecked
    from tui_voice.conversation.ledger import Compaction, Ledger
    from tui_voice.conversation.limits import Limits
    from tui_voice.conversation.planning import Why
    from tui_voice.conversation.turns import Turns


Line = Literal["", "connecting", "reconnecting", "offline"]


class Header(NamedTuple):
    title: str = ""
    engines: tuple[str, ...] = ()
    usd: float = 0.0
    unknown_price: bool = False
    budget: float | None = None


class Status(NamedTuple):
    """The state strip."""

    state: State = State.IDLE
    line: Line = "connecting"
    retry_in: int | None = None
    """Whole seconds until the line is tried again; None: just now, or not by itself."""
    muted: bool = False
    microphone_open: bool = False
    seeding: bool = False


class Gauge(NamedTuple):
    """How full the window is, in tokens. `text` and `audio` are what is not cached."""

    total: int = 0
    cached: int = 0
    text: int = 0
    audio: int = 0
    exact: bool = True
    trigger: int = 16_000
    """In force: from here on the next summary comes."""
    why: Why = ""
    wanted: int = 16_000
    """What the limits say."""
    keep: int = 6
    size: int = 128_000

    @property
    def scale(self) -> int:
        """Tokens that the whole bar stands for: the trigger has its tick at four fifths."""
        return max(1, min(self.size, max(self.trigger * 5 // 4, self.total)))


class Cost(NamedTuple):
    """USD. None: not known yet."""

    total: float = 0.0
    unknown: bool = False
    per_hour: float | None = None
    last_reply: float | None = None
    summaries: float = 0.0
    replies: int = 0
    cached_share: float | None = None
    """Of all input so far, how much came from the prompt cache, 0–1."""


class View(NamedTuple):
    header: Header = Header()
    status: Status = Status()
    turns: Turns | None = None
    compactions: tuple[Compaction, ...] = ()
    judged: tuple[TriggerChecked, ...] = ()
    started: datetime | None = None
    gauge: Gauge = Gauge()
    cost: Cost = Cost()
    prunings: tuple[Pruning, ...] = ()
    memory: str = ""
    notice: Notice = Notice()
    keys: frozenset[str] = frozenset()
    """Ids of the keys that work now (`keys.py`)."""


def project(
    snapshot: Snapshot,
    limits: Limits,
    *,
    budget: float | None = None,
    dismissed: float = -1.0,
    engines: str = "",
    unsaved: int = 0,
    waiting: Waiting = NOTHING,
    previous: View | None = None,
) -> View:
    """The snapshot as the talk screen shows it.

    `budget`: USD the user wants to spend, only shown. `dismissed`: notices up to this time (s)
    have been read. `engines`: who answers in the embedded server. `unsaved`: facts that are not on
    disk. `waiting`: what is known of the next line. `previous`: the view before, from which the
    pruning log is taken over where no pruning has changed.
    """
    ledger = snapshot.ledger
    start = started(ledger)
    same = previous is not None and previous.compactions is ledger.compactions
    if previous is not None and same and previous.judged is ledger.trigger_checks:
        log_rows = previous.prunings
    else:
        log_rows = log(ledger, start, limits.price)
    return View(
        header=Header(
            title_of(ledger), _engines(ledger, engines), ledger.cost, ledger.spent.unknown, budget
        ),
        status=_status(snapshot, waiting),
        turns=ledger.turns,
        compactions=ledger.compactions,
        judged=ledger.trigger_checks,
        started=start,
        gauge=_gauge(ledger, limits, previous),
        cost=_cost(ledger),
        prunings=log_rows,
        memory=ledger.memory,
        notice=notice_of(ledger, dismissed, unsaved, waiting),
        keys=_keys(snapshot, limits),
    )


def started(ledger: Ledger) -> datetime | None:
    """When the talk was opened, in the zone of this machine."""
    return _local_time(ledger.opened.started) if ledger.opened else None


@lru_cache(maxsize=64)
def _local_time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        return None


def _engines(ledger: Ledger, engines: str) -> tuple[str, ...]:
    parts = (ledger.backend, engines or ledger.model, "" if engines else ledger.voice)
    return tuple(dict.fromkeys(part for part in parts if part))


def _status(snapshot: Snapshot, waiting: Waiting) -> Status:
    link = snapshot.ledger.connection
    return Status(
        state=snapshot.state,
        line="" if link.status == "online" else link.status,
        retry_in=waiting.retry_in if link.status == "reconnecting" else None,
        muted=snapshot.situation.microphone.muted,
        microphone_open=snapshot.situation.microphone.open,
        seeding=snapshot.situation.seeding.under_way,
    )


def _gauge(ledger: Ledger, limits: Limits, previous: View | None) -> Gauge:
    window, last = ledger.window, ledger.last_usage
    if previous is not None and _words_only(ledger, limits, previous):
        trigger, why = previous.gauge.trigger, previous.gauge.why
    else:
        from tui_voice.conversation.planning import (
            next_summary,  # whoever opened the talk has loaded it
        )

        trigger, why = next_summary(ledger, limits)
    cached = min(window.cached, window.total)
    if not window.exact:
        cached = min(
            cached, ledger.cacheable_prefix_tokens
        )  # what was changed since is no longer in the cache
    cached_audio = min(last.cached_audio if last else 0, window.audio, cached)
    cached_text = min(cached - cached_audio, window.text)
    return Gauge(
        total=window.total,
        cached=cached_audio + cached_text,
        text=window.text - cached_text,
        audio=window.audio - cached_audio,
        exact=window.exact,
        trigger=trigger,
        why=why,
        wanted=limits.trigger,
        keep=limits.keep,
        size=limits.size,
    )


def _words_only(ledger: Ledger, limits: Limits, previous: View) -> bool:
    """Nothing but words has come since: what leads to the next summary, which looks at all that
    the model has, need not be asked for every picture of a reply that streams.
    """
    gauge = previous.gauge
    return (
        not (gauge.exact or ledger.window.exact)
        and previous.turns is not None
        and len(previous.turns) == len(ledger.turns)
        and previous.compactions is ledger.compactions
        and previous.judged is ledger.trigger_checks
        and (gauge.wanted, gauge.keep, gauge.size) == (limits.trigger, limits.keep, limits.size)
    )


def _cost(ledger: Ledger) -> Cost:
    usage = ledger.usage
    return Cost(
        total=ledger.cost,
        unknown=ledger.spent.unknown,
        per_hour=usd_per_hour(ledger) or None,
        last_reply=ledger.last_usd,
        summaries=ledger.spent.summaries,
        replies=ledger.replies,
        cached_share=usage.cached / usage.input if usage.input else None,
    )


_KEY_TRIGGERS = {
    "talk": "talk_pressed",
    "stop": "stop_pressed",
    "mute": "mute_changed",
    "send": "text_submitted",
    "summarise": "summarise_pressed",
    "restore": "restore_pressed",
}


def _keys(snapshot: Snapshot, limits: Limits) -> frozenset[str]:
    """What would do something now: by the machine's table, then by what the ledger holds."""
    ledger, live = snapshot.ledger, live_triggers(snapshot.state)
    keys = {key for key, trigger in _KEY_TRIGGERS.items() if trigger in live}
    online, quiet = ledger.connection.status == "online", ledger.compaction is None
    if not (online and quiet and len(ledger.turns) > limits.keep):
        keys.discard("summarise")
    if not (online and quiet and any(c.kind == "summary" for c in ledger.compactions)):
        keys.discard("restore")
    if ledger.turns:
        keys |= {"pin", "export", "copy"}
    if ledger.memory:
        keys.add("memory")
    return frozenset(keys)
