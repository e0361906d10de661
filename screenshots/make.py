"""Makes the pictures of the screen for the README, from moments of a recorded session.

Run: `python screenshots/make.py [NAME…]`. It writes a PNG for each picture, with `rsvg-convert` and
the font JetBrains Mono; without `rsvg-convert` it writes an SVG.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(HERE)]
os.environ["TZ"] = "UTC"
time.tzset()

from picture import save, steady  # noqa: E402  # beside this file

from tui_voice.cli.registry import CHOICES  # noqa: E402  # once the path and the time zone are set
from tui_voice.cli.welcome import who_answers  # noqa: E402  # once the path and the time zone are set
from tui_voice.config import BackendSettings, Settings, SettingsEditor  # noqa: E402  # once the path and the time zone are set
from tui_voice.conversation import events as e  # noqa: E402  # once the path and the time zone are set
from tui_voice.conversation.conversation import Conversation, Snapshot  # noqa: E402  # once the path and the time zone are set
from tui_voice.conversation.limits import Limits  # noqa: E402  # once the path and the time zone are set
from tui_voice.conversation.states import State  # noqa: E402  # once the path and the time zone are set
from tui_voice.runtime.session_handle import Meters  # noqa: E402  # once the path and the time zone are set
from tui_voice.runtime.sound_test import DeviceTest  # noqa: E402  # once the path and the time zone are set
from tui_voice.store.reading import read  # noqa: E402  # once the path and the time zone are set
from tui_voice.ui.app import VoiceApp  # noqa: E402  # once the path and the time zone are set
from tui_voice.ui.options import AppOptions, Welcome  # noqa: E402  # once the path and the time zone are set

RECORDED = ROOT / "sessions" / "v1-kyoto-in-april.jsonl"
SIZES = {"": (120, 36), "-80x24": (80, 24)}
LOCAL = Settings(backend=BackendSettings(kind="local"))
LIMITS = Limits(trigger=4_000, keep=6)


class StillSession:
    """A `SessionHandle` that shows one moment of a recorded session, and never changes."""

    limits = LIMITS
    id = "kyoto"
    path = RECORDED

    def __init__(self, events: Sequence[e.Event], loud: bool) -> None:
        """`events`: up to the moment. `loud`: the level meter moves."""
        self._loud = loud
        self._readings = 0
        self._conversation = Conversation(LIMITS)
        for event in events:
            self._conversation.replay(event)

    def post(self, event: e.Event) -> None:
        """Ignores what the user does."""

    def subscribe(self, _on_snapshot: Callable[[Snapshot], None]) -> Snapshot:
        return self._conversation.snapshot

    def meters(self) -> Meters:
        """Returns a level that rises and falls, where `loud`."""
        self._readings += 1
        level = 0.5 + 0.45 * math.sin(self._readings * 0.8) if self._loud else 0.0
        return Meters(microphone=level, speaker=level)

    def set_limits(self, limits: Limits) -> None:
        """Ignores new limits."""

    def close(self) -> None:
        """Closes nothing."""


def moment(
    events: Sequence[e.Event], wanted: Callable[[Snapshot], bool], times: int = 1
) -> list[e.Event]:
    """Returns the events up to the `times`-th moment at which `wanted` becomes true; all events
    where there is no such moment.
    """
    conversation, was = Conversation(LIMITS), False
    for number, event in enumerate(events, 1):
        conversation.replay(event)
        holds = wanted(conversation.snapshot)
        if holds and not was:
            times -= 1
            if not times:
                return list(events[:number])
        was = holds
    return list(events)


def is_in(state: State) -> Callable[[Snapshot], bool]:
    """Returns a condition for `moment`: the conversation is in this state."""
    return lambda snapshot: snapshot.state is state


def speaking_long(snapshot: Snapshot) -> bool:
    """Returns whether a long reply is being played, after a summary."""
    last = snapshot.ledger.turns.last
    return (
        snapshot.state is State.SPEAKING
        and last is not None
        and last.role == "assistant"
        and last.words == "open"
        and len(last.text) > 100
        and any(c.kind == "summary" for c in snapshot.ledger.compactions)
    )


@dataclass(frozen=True)
class Picture:
    """`select` returns the events to show. `keys` are pressed then."""

    select: Callable[[Sequence[e.Event]], Sequence[e.Event]]
    keys: tuple[str, ...] = ()
    theme: str | None = None
    ascii: bool = False
    loud: bool = False
    welcome: bool = False
    """At the first start."""
    at_pruning: bool = False
    """The newest pruning of the transcript is chosen."""


def before_speech(events: Sequence[e.Event]) -> list[e.Event]:
    """Returns the events before anything is said."""
    return list(takewhile(lambda event: not isinstance(event, e.SpeechStarted), events))


def connection_lost(events: Sequence[e.Event]) -> list[e.Event]:
    """Returns the events up to a quiet moment, and the loss of the connection."""
    until = moment(events, is_in(State.IDLE), 12)
    reason, hint = (
        "OpenAI refused the key",
        "Set OPENAI_API_KEY to one that is valid, then press ^N.",
    )
    return [*until, e.ConnectionLost(at=until[-1].at, reason=reason, hint=hint)]


PICTURES = {
    "first-run": Picture(before_speech),
    "listening": Picture(lambda all: moment(all, is_in(State.LISTENING), 8), loud=True),
    "speaking": Picture(lambda all: moment(all, speaking_long), loud=True),
    "summarising": Picture(lambda all: moment(all, is_in(State.SUMMARISING))),
    "after-pruning": Picture(list, at_pruning=True),
    "offline": Picture(connection_lost),
    "light": Picture(lambda all: moment(all, speaking_long), theme="tui-voice-light", loud=True),
    "ascii": Picture(lambda all: moment(all, speaking_long), ascii=True, loud=True),
    "help": Picture(lambda all: moment(all, speaking_long), keys=("f1",)),
    "sessions": Picture(lambda all: moment(all, speaking_long), keys=("ctrl+r",)),
    "search": Picture(lambda all: moment(all, speaking_long), keys=("ctrl+f", *"shellfish")),
    "settings": Picture(lambda all: moment(all, speaking_long), keys=("f3", "down", "down")),
    "welcome": Picture(before_speech, welcome=True),
    "memory": Picture(list, keys=("f5", "down")),
    "timeline": Picture(list, keys=("f7", *["left"] * 8)),
    "select": Picture(list, keys=("ctrl+t", "up")),
}


async def take(name: str, picture: Picture, suffix: str, size: tuple[int, int]) -> None:
    """Shows the moment in the application, and writes the picture."""
    events = [event for event in read(RECORDED).events if not isinstance(event, e.SessionClosed)]
    session = StillSession(picture.select(events), picture.loud)
    options = AppOptions(
        theme=picture.theme,
        ascii=picture.ascii,
        live=False,
        budget=2.0,
        sessions=RECORDED.parent,
        editor=SettingsEditor(env={}, path=Path("config.toml"), choices=CHOICES),
        welcome=Welcome(lambda: who_answers(LOCAL), lambda: None) if picture.welcome else None,
        devices=lambda _direction: [],
        sound_test=DeviceTest(),
    )
    app = VoiceApp(lambda _id: session, options)
    app.animation_level = "none"
    async with app.run_test(size=size) as pilot:
        for _ in range(3):
            await pilot.pause()
            await app.workers.wait_for_complete()
        for key in picture.keys:
            await pilot.press(key)
        if picture.at_pruning:
            marks = [c.id for c in app.view.compactions if c.kind == "summary"]
            app.session_screen.transcript.go_to(marks[-1])
        for _ in range(10):
            app.session_screen.status.draw_level(session.meters())
        for _ in range(3):
            await pilot.pause(0.3)
            await app.workers.wait_for_complete()
        svg = app.export_screenshot(title="tui-voice")
    path = HERE / f"{name}{suffix}.png"
    if not save(svg, path):
        path = path.with_suffix(".svg")
        path.write_text(steady(svg))
    print(path.name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PICTURES))
    for name in parser.parse_args().names or PICTURES:
        for suffix, size in SIZES.items():
            asyncio.run(take(name, PICTURES[name], suffix, size))


if __name__ == "__main__":
    main()
