"""Sums the tokens and the cost of all sessions of a folder by day, by model and by profile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from tui_voice.conversation import events as e
from tui_voice.errors import StoreError
from tui_voice.store.catalog import list_sessions
from tui_voice.store.reading import read
from tui_voice.store.saved_session import start_time

NO_DATE = "no date"
NO_PROFILE = "none"


@dataclass
class UsageSum:
    """What was used, in tokens of replies and summaries; `cached` ones are part of `input`."""

    sessions: set[Path] = field(default_factory=set)
    """The journals in which something was used."""
    replies: int = 0
    input: int = 0
    cached: int = 0
    output: int = 0
    usd: float = 0.0
    unknown: bool = False
    """Something was used whose price is not known, so `usd` is too low."""

    def add(self, session: Path, event: e.Event) -> None:
        """Adds what the event says that was used."""
        self.sessions.add(session)
        usage, usd = getattr(event, "usage", None), getattr(event, "usd", None)
        if isinstance(event, e.ResponseDone) and usage is not None:
            self.replies += 1
        if usage is not None:
            self.input += usage.input
            self.cached += usage.cached
            self.output += usage.output
            self.unknown = self.unknown or usd is None
        self.usd += usd or 0.0


@dataclass
class Statistics:
    """The sums by each key, and of all."""

    total: UsageSum = field(default_factory=UsageSum)
    by: dict[str, dict[str, UsageSum]] = field(
        default_factory=lambda: {"day": {}, "model": {}, "profile": {}}
    )
    """`day`, `model` or `profile` → its value → the sum. Days are local: `2026-04-01`."""


def statistics(folder: Path, cache: Path | None = None) -> Statistics:
    """Returns the sums of all sessions of `folder` that can be read. Reads every journal whole."""
    found = Statistics()
    for session in list_sessions(folder, cache):
        with suppress(StoreError):  # it was deleted a moment ago
            for event, keys in _uses(session.path):
                found.total.add(session.path, event)
                for name, value in keys.items():
                    found.by[name].setdefault(value, UsageSum()).add(session.path, event)
    for name, sums in found.by.items():
        found.by[name] = dict(sorted(sums.items()))
    return found


def _uses(journal: Path) -> Iterator[tuple[e.Event, dict[str, str]]]:
    """Yields each event that used something, with its day, model and profile."""
    began, model, profile = None, "", NO_PROFILE
    for event in read(journal).events:
        if isinstance(event, e.SessionOpened):
            began = start_time(event.started)
        if isinstance(event, e.SessionOpened | e.SessionResumed):
            model, profile = event.model or event.backend, event.profile or NO_PROFILE
        if isinstance(event, e.ConnectionOpened) and event.model:
            model = event.model
        if getattr(event, "usage", None) is None and not getattr(event, "usd", None):
            continue
        day = NO_DATE
        if began is not None:
            with suppress(OverflowError):  # a damaged time
                day = f"{began + timedelta(seconds=event.at):%Y-%m-%d}"
        writer = event.source if isinstance(event, e.SummaryReady) else ""
        yield event, {"day": day, "model": writer or model or "not known", "profile": profile}
