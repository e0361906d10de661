"""The view: everything that the session screen shows, computed from a snapshot as plain values.

Each field of `SessionView` belongs to one widget, which draws nothing where the new value equals
the old one. This module knows nothing of Textual. Of `conversation` it imports the state table
alone; the rest is heavy and is imported when the first session is open, after the first paint.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from tui_voice.conversation.states import State, live_triggers
from tui_voice.ui.fact_rows import FactRow, facts_of
from tui_voice.ui.notices import NO_WAIT, Countdown, Notice, ReconnectWait, notice_of
from tui_voice.ui.pruning_rows import PruningRow, pruning_rows

if TYPE_CHECKING:
    from tui_voice.conversation.conversation import Snapshot
    from tui_voice.conversation.events import TriggerChecked
    from tui_voice.conversation.ledger import Compaction, Ledger
    from tui_voice.conversation.limits import Limits
    from tui_voice.conversation.planning import Why
    from tui_voice.conversation.turns import Turn, Turns

ConnectionWord = Literal["", "connecting", "reconnecting", "offline"]
"""The state of the connection where it is not `online`."""


class HeaderView(NamedTuple):
    """The first line of the screen."""

    title: str = ""
    engines: tuple[str, ...] = ()
    """Backend and models, for example `("openai", "gpt-realtime", "marin")`."""
    usd: float = 0.0
    unknown_price: bool = False
    """Some replies have no known price."""
    budget: float | None = None
    """USD that the user wants to spend."""
    recording: bool = False
    """The sound of the session is being recorded."""
    missing: str = ""
    """Which sound devices are missing, for example `no microphone`; "": none."""


class StatusView(NamedTuple):
    """The state strip."""

    state: State = State.IDLE
    connection: ConnectionWord = "connecting"
    retry_in: int | None = None
    """Seconds until the next attempt to connect. None: it is being made now, or never."""
    muted: bool = False
    microphone_open: bool = False
    seeding: bool = False
    mode: str = ""
    """As in `TurnModeChosen`. "": as the settings say."""
    paused: bool = False
    """The reply waits where it was paused."""
    tool: str = ""
    """Name of a function that the reply waits for; "": it waits for none."""


class WindowGauge(NamedTuple):
    """How full the window is, in tokens. `text` and `audio` are the parts that are not cached."""

    total: int = 0
    cached: int = 0
    text: int = 0
    audio: int = 0
    exact: bool = True
    """Counted by the server; otherwise an estimate."""
    trigger: int = 16_000
    """Tokens from which the next summary is made, as the policy decided."""
    why: Why = ""
    """Why the trigger in force is not `wanted`."""
    wanted: int = 16_000
    """Tokens that the limits name as the trigger."""
    keep: int = 6
    """Newest turns that are never summarised."""
    size: int = 128_000
    """Tokens that the model's window holds."""

    @property
    def scale(self) -> int:
        """Tokens that the end of the bar stands for: the tick of the trigger is at about three
        quarters. Two digits that count, so that it rarely changes; at most the model's window.
        """
        least = max(1, self.trigger * 4 // 3, self.total)
        step = int(10 ** max(0, len(str(least)) - 2))
        return max(1, min(self.size, -(-least // step) * step))


class CostFigures(NamedTuple):
    """Costs in USD. None: not known yet."""

    total: float = 0.0
    unknown: bool = False
    """Some replies have no known price."""
    estimated: bool = False
    """The server gave no usage for some replies, or a wrong one."""
    per_hour: float | None = None
    last_reply: float | None = None
    summaries: float = 0.0
    saved_per_hour: float | None = None
    """What the prunings have saved so far, for each hour of the session."""
    replies: int = 0
    cached_share: float | None = None
    """The part of all input so far that came from the prompt cache, 0 to 1."""


class SessionView(NamedTuple):
    """Everything that the session screen shows at one moment."""

    header: HeaderView = HeaderView()
    status: StatusView = StatusView()
    turns: Turns | None = None
    compactions: tuple[Compaction, ...] = ()
    trigger_checks: tuple[TriggerChecked, ...] = ()
    started: datetime | None = None
    """When the session began, in the local time zone."""
    gauge: WindowGauge = WindowGauge()
    cost: CostFigures = CostFigures()
    pruning_rows: tuple[PruningRow, ...] = ()
    memory: str = ""
    facts: tuple[FactRow, ...] = ()
    """The memory as a list."""
    notice: Notice = Notice()
    live_keys: frozenset[str] = frozenset()
    """The values of `KeyAction.needs` that hold now."""


def project(
    snapshot: Snapshot,
    limits: Limits,
    *,
    now: float | None = None,
    budget: float | None = None,
    dismissed_at: float = -1.0,
    engines: str = "",
    unsaved: int = 0,
    wait: ReconnectWait = NO_WAIT,
    recording: bool = False,
    countdown: Countdown | None = None,
    missing: str = "",
    previous: SessionView | None = None,
) -> SessionView:
    """Returns the view of a snapshot.

    `now`: second of the session; None: that of its newest event. `budget`: USD. `dismissed_at`:
    notices up to this second of the session have been read.
    `engines`: the models of the embedded server, with ` · ` between them. `unsaved`: events that
    are not on disk yet. `wait`: until the next connection. `countdown`: until silence closes
    something. `missing`: sound devices that are not there. `previous`: the view before; what did
    not change is taken from it.
    """
    ledger = snapshot.ledger
    start = started_at(ledger)
    same = previous is not None and previous.compactions is ledger.compactions
    if previous is not None and same and previous.trigger_checks is ledger.trigger_checks:
        rows = previous.pruning_rows
    else:
        rows = pruning_rows(ledger, start)
    return SessionView(
        header=_header(ledger, engines, budget, recording, missing),
        status=_status(snapshot, wait),
        turns=ledger.turns,
        compactions=ledger.compactions,
        trigger_checks=ledger.trigger_checks,
        started=start,
        gauge=_gauge(ledger, limits, previous),
        cost=_cost(ledger),
        pruning_rows=rows,
        memory=ledger.memory,
        facts=facts_of(ledger),
        notice=notice_of(
            ledger, ledger.at if now is None else now, dismissed_at, unsaved, wait, countdown
        ),
        live_keys=_live_keys(snapshot, limits),
    )


def is_correctable(turn: Turn) -> bool:
    """Returns whether the user may correct the words of a turn: those that they spoke."""
    return turn.role == "user" and turn.spoken and bool(turn.text)


def started_at(ledger: Ledger) -> datetime | None:
    """Returns when the session began, in the local time zone; None where that is not known."""
    return _local_time(ledger.opened.started) if ledger.opened else None


@lru_cache(maxsize=64)
def _local_time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        return None


def _header(
    ledger: Ledger, engines: str, budget: float | None, recording: bool, missing: str
) -> HeaderView:
    from tui_voice.conversation.title import title_of

    # The voice that the settings name says nothing where the embedded server chooses the model. Who
    # answers comes first: of the rest, a narrow screen shows as much as there is room for.
    named = [ledger.model, ledger.voice if ledger.model else ""]
    models = engines.split(" · ")[::-1] if engines else named
    parts = (ledger.backend, *models)
    return HeaderView(
        title_of(ledger),
        tuple(dict.fromkeys(part for part in parts if part)),
        ledger.cost,
        ledger.spent.unknown,
        budget,
        recording,
        missing,
    )


def _status(snapshot: Snapshot, wait: ReconnectWait) -> StatusView:
    status, reason = snapshot.ledger.connection.status, snapshot.ledger.connection.reason
    if status == "offline" and not reason:  # no connection was lost: the first one is coming
        status = "connecting"
    connection: ConnectionWord = "" if status == "online" else status
    return StatusView(
        state=snapshot.state,
        connection=connection,
        retry_in=wait.seconds if connection == "reconnecting" else None,
        muted=snapshot.situation.microphone.muted,
        microphone_open=snapshot.situation.microphone.open,
        seeding=snapshot.situation.seeding.under_way,
        mode=snapshot.situation.microphone.mode,
        paused=snapshot.situation.playback.paused_at is not None,
        tool=_awaited_tool(snapshot),
    )


def _awaited_tool(snapshot: Snapshot) -> str:
    awaited = snapshot.situation.response.open_tools
    calls = (turn for turn in reversed(snapshot.ledger.turns) if turn.call_id in awaited)
    return next((turn.tool for turn in calls if turn.tool), "") if awaited else ""


def _gauge(ledger: Ledger, limits: Limits, previous: SessionView | None) -> WindowGauge:
    window, last = ledger.window, ledger.last_usage
    if previous is not None and _only_text_grew(ledger, limits, previous):
        trigger, why = previous.gauge.trigger, previous.gauge.why
    else:
        from tui_voice.conversation.planning import next_summary

        trigger, why = next_summary(ledger, limits)
    cached = min(window.cached, window.total)
    if not window.exact:
        # What changed since the last count is not cached.
        cached = min(cached, ledger.cacheable_prefix_tokens)
    cached_audio = min(last.cached_audio if last else 0, window.audio, cached)
    cached_text = min(cached - cached_audio, window.text)
    return WindowGauge(
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


def _only_text_grew(ledger: Ledger, limits: Limits, previous: SessionView) -> bool:
    """Whether nothing but the text of a turn has changed since the previous view.

    Then the trigger in force is the same. Computing it looks at every turn of the window, which
    is too much for each drawing of a reply that streams in.
    """
    gauge = previous.gauge
    return (
        not (gauge.exact or ledger.window.exact)
        and previous.turns is not None
        and len(previous.turns) == len(ledger.turns)
        and previous.compactions is ledger.compactions
        and previous.trigger_checks is ledger.trigger_checks
        and (gauge.wanted, gauge.keep, gauge.size) == (limits.trigger, limits.keep, limits.size)
    )


def _cost(ledger: Ledger) -> CostFigures:
    from tui_voice.conversation.payback import usd_per_hour

    usage = ledger.usage
    return CostFigures(
        total=ledger.cost,
        unknown=ledger.spent.unknown,
        estimated=ledger.spent.estimated,
        per_hour=usd_per_hour(ledger) or None,
        last_reply=ledger.last_usd,
        summaries=ledger.spent.summaries,
        saved_per_hour=_saved_per_hour(ledger),
        replies=ledger.replies,
        cached_share=usage.cached / usage.input if usage.input else None,
    )


def _saved_per_hour(ledger: Ledger) -> float | None:
    """Returns what the prunings have saved so far, for each hour; None before any was valued."""
    from tui_voice.conversation.payback import usd_saved

    if not ledger.cost or not any(done.worth for done in ledger.compactions):
        return None
    return usd_saved(ledger) / max(ledger.at, 60.0) * 3600


_KEY_TRIGGERS = {
    "talk": "talk_pressed",
    "stop": "stop_pressed",
    "mute": "mute_changed",
    "send": "text_submitted",
    "summarise": "summarise_pressed",
    "restore": "restore_pressed",
    "pause": "pause_pressed",
    "volume": "volume_stepped",
}
"""Id of a key → the trigger of the state table that it fires."""


def _live_keys(snapshot: Snapshot, limits: Limits) -> frozenset[str]:
    """Returns which keys would do something now, by the state table and the ledger."""
    ledger, live = snapshot.ledger, live_triggers(snapshot.state)
    keys = {key for key, trigger in _KEY_TRIGGERS.items() if trigger in live}
    ready = ledger.connection.status == "online" and ledger.compaction is None
    if not (ready and len(ledger.turns) > limits.keep):
        keys.discard("summarise")
    if not (ready and any(c.kind == "summary" for c in ledger.compactions)):
        keys.discard("restore")
    if not snapshot.situation.microphone.open:
        keys.discard("mute")
    response = snapshot.situation.response
    if snapshot.state is State.IDLE and not (response.open_tools or response.late_tools):
        keys.discard("stop")
    if ledger.turns:
        keys |= {"pin", "export"}
    return frozenset(keys)
