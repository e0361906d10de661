"""Every screen, at every size and in every dress, as it was when somebody last looked at it.

`pytest tests/ui/test_snapshots.py --snapshot-update` takes new pictures; look at them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.ui.conftest import Build, settle
from tests.ui.scripted import ScriptedDoor, asked, kyoto, opened
from tests.ui.test_screens import quiet_for
from tui_voice.conversation import events as e

SIZES = {"120x36": (120, 36), "80x24": (80, 24), "40x10": (40, 10)}
DRESSES: dict[str, tuple[tuple[int, int], dict[str, object]]] = {
    **{name: (size, {}) for name, size in SIZES.items()},
    "light": (SIZES["120x36"], {"theme": "tui-voice-light"}),
    "ascii": (SIZES["120x36"], {"ascii": True}),
}

Compare = Callable[..., bool]


def empty(door: ScriptedDoor) -> None:
    door.tell(*opened())


def listening(door: ScriptedDoor) -> None:
    door.tell(*opened(), e.TalkPressed(at=1.0))
    door.tell(*asked(1, 2.0, "")[:1])


def offline(door: ScriptedDoor) -> None:
    kyoto(door)
    door.tell(
        e.StopPressed(),
        e.PlaybackInterrupted(item_id="a13", played_ms=2000),
        e.ConnectionLost(
            reason="the server refused the key", hint="Set OPENAI_API_KEY, then press ^N.", code=401
        ),
    )


def summarising(door: ScriptedDoor) -> None:
    kyoto(door)
    door.tell(
        e.StopPressed(),
        e.PlaybackInterrupted(item_id="a13", played_ms=2000),
        e.ResponseDone(response_id="r13", status="cancelled"),
        e.SummarisePressed(),
    )


SCREENS: dict[str, tuple[Callable[[ScriptedDoor], object], tuple[str, ...]]] = {
    "talk": (kyoto, ()),
    "chosen": (kyoto, ("up", "up")),
    "empty": (empty, ()),
    "listening": (listening, ()),
    "summarising": (summarising, ()),
    "offline": (offline, ()),
    "help": (empty, ("f1",)),
    "sessions": (empty, ("ctrl+r",)),
    "search": (empty, ("ctrl+f", *"shellfish")),
    "reader": (empty, ("ctrl+r", "ctrl+o")),
    "export": (kyoto, ("ctrl+e",)),
    "focus": (kyoto, ("ctrl+s", "ctrl+s")),
}
ALWAYS = ("talk", "empty", "help", "sessions", "search", "reader", "export")
"""These in every dress; the other states at the two usual sizes."""


def pictures() -> list[tuple[str, str]]:
    found = []
    for screen in SCREENS:
        for dress in DRESSES if screen in ALWAYS else ("120x36", "80x24"):
            found.append((screen, dress))
    return found


@pytest.mark.parametrize(("screen", "dress"), pictures())
def test_picture(screen: str, dress: str, build: Build, snap_compare: Compare) -> None:
    fill, keys = SCREENS[screen]
    size, options = DRESSES[dress]
    app = build(fill, **options)

    async def arrive(pilot: Pilot[object]) -> None:
        await settle(pilot)
        for key in keys:
            await pilot.press(key)
            await settle(pilot)
        if hasattr(app.screen, "_timer"):
            await quiet_for(pilot)
        for line in app.screen.query(Input):
            line.cursor_blink = False
            if screen == "export":
                line.value = "talks"  # not the folder in which the tests happen to run
        await settle(pilot)

    run: Callable[[Pilot[object]], Awaitable[None]] = arrive
    assert snap_compare(app, terminal_size=size, run_before=run)
