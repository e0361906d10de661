"""Pictures of every screen at every size and in every appearance, compared with stored ones.

`pytest tests/ui/test_snapshots.py --snapshot-update` stores new pictures. Look at them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.command import CommandList
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from tests.ui.conftest import Build, settle
from tests.ui.contrast_harness import unreadable
from tests.ui.scripted_session_harness import (
    ScriptedSession,
    kyoto_session,
    session_opened,
    user_speaks,
)
from tests.ui.test_screens import filter_applied
from tui_voice.cli.registry import CHOICES, SUGGESTIONS
from tui_voice.config import SettingsEditor
from tui_voice.conversation import events as e
from tui_voice.ui.options import Welcome
from tui_voice.ui.screens.list_screen import ListScreen

SIZES = {"120x36": (120, 36), "80x24": (80, 24), "40x10": (40, 10)}
APPEARANCES: dict[str, tuple[tuple[int, int], dict[str, object]]] = {
    **{name: (size, {}) for name, size in SIZES.items()},
    "light": (SIZES["120x36"], {"theme": "tui-voice-light"}),
    "ascii": (SIZES["120x36"], {"ascii": True}),
}

Compare = Callable[..., bool]


def empty(session: ScriptedSession) -> None:
    session.deliver(*session_opened())


def listening(session: ScriptedSession) -> None:
    session.deliver(*session_opened(), e.TalkPressed(at=1.0))
    session.deliver(*user_speaks(1, 2.0, "")[:1])


def offline(session: ScriptedSession) -> None:
    kyoto_session(session)
    session.deliver(
        e.StopPressed(),
        e.PlaybackInterrupted(item_id="a13", played_ms=2000),
        e.ConnectionLost(
            reason="the server refused the key", hint="Set OPENAI_API_KEY, then press ^N.", code=401
        ),
    )


def summarising(session: ScriptedSession) -> None:
    kyoto_session(session)
    session.deliver(
        e.StopPressed(),
        e.PlaybackInterrupted(item_id="a13", played_ms=2000),
        e.ResponseDone(response_id="r13", status="cancelled"),
        e.SummarisePressed(),
    )


SCREENS: dict[str, tuple[Callable[[ScriptedSession], object], tuple[str, ...]]] = {
    "session": (kyoto_session, ()),
    "select": (kyoto_session, ("ctrl+t", "up")),
    "typing": (kyoto_session, (*"One", "alt+enter", *"two")),
    "commands": (kyoto_session, ("slash", "s")),
    "find": (kyoto_session, ("ctrl+g", *"sunday", "enter")),
    "empty": (empty, ()),
    "listening": (listening, ()),
    "summarising": (summarising, ()),
    "offline": (offline, ()),
    "help": (empty, ("f1",)),
    "jump": (kyoto_session, ("f6",)),
    "palette": (kyoto_session, ("ctrl+p", *"mem")),
    "memory": (kyoto_session, ("tab", "tab", "tab")),
    "deleted": (empty, ("ctrl+r", "ctrl+d")),
    "sessions": (empty, ("ctrl+r",)),
    "search": (empty, ("ctrl+f", *"shellfish")),
    "reader": (empty, ("ctrl+r", "ctrl+o")),
    "facts": (kyoto_session, ("f5", "down", "p")),
    "timeline": (kyoto_session, ("f7", "left", "left")),
    "fact": (kyoto_session, ("f5", "enter")),
    "export": (kyoto_session, ("ctrl+e",)),
    "focus": (kyoto_session, ("ctrl+p", *"focus", "enter")),
    "settings": (kyoto_session, ("f3", "down", "down")),
    "welcome-server": (empty, ()),
    "welcome-sound": (empty, ("enter",)),
    "welcome-talk": (empty, ("enter", "enter")),
    "setting-choice": (kyoto_session, ("f3", *"policy", "enter")),
    "setting-refused": (kyoto_session, ("f3", *"speaking", "enter", "9", "enter")),
    "setting-device": (kyoto_session, ("f3", "enter")),
    "setting-lines": (kyoto_session, ("f3", *"prices", "enter")),
}


ANSWERS = [
    "No API key was found (OPENAI_API_KEY, AZURE_OPENAI_API_KEY, or the system's keyring).",
    "The embedded server on this machine answers: it costs nothing, and nothing leaves the "
    "machine.",
    "Its models: moonshine tiny-en · hibari · small chat model (SmolLM2 135M). The chat model is "
    "for trying the app out, and is often wrong.",
    "`tui-voice models list` names better ones, `models get NAME` fetches one.",
]


def editor() -> SettingsEditor:
    """Settings from a file, a variable and a flag."""
    Path("config.toml").write_text('[backend]\nvoice = "cedar"\n')
    return SettingsEditor(
        {"backend.kind": "local"},
        env={"TUI_VOICE_BACKEND_SILENCE_MS": "900"},
        path=Path("config.toml"),
        choices=CHOICES,
        suggestions=SUGGESTIONS,
    )


def devices(_direction: str) -> list[tuple[str, str]]:
    return [("a", "USB microphone"), ("b", "Laptop"), ("c", "Monitor  (what a loudspeaker plays)")]


ALWAYS = (
    *("session", "select", "empty", "help", "sessions", "search", "reader", "export"),
    *("facts", "timeline", "palette", "settings"),
    *("welcome-server", "welcome-sound", "welcome-talk"),
)
"""Screens that are compared in every appearance; the others at the two usual sizes."""


def pictures() -> list[tuple[str, str]]:
    found = []
    for screen in SCREENS:
        for appearance in APPEARANCES if screen in ALWAYS else ("120x36", "80x24"):
            found.append((screen, appearance))
    return found


@pytest.mark.parametrize(("screen", "appearance"), pictures())
def test_picture(
    screen: str,
    appearance: str,
    build: Build,
    snap_compare: Compare,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    fill, keys = SCREENS[screen]
    size, options = APPEARANCES[appearance]
    if screen.startswith(("setting", "welcome")):
        options = options | {"editor": editor(), "devices": devices, "sound_test": object()}
    if screen.startswith("welcome"):
        options = options | {"welcome": Welcome(lambda: ANSWERS, lambda: None)}
    app = build(fill, **options)
    too_dim: list[object] = []

    async def arrive(pilot: Pilot[object]) -> None:
        await settle(pilot)
        for key in keys:
            await pilot.press(key)
            await settle(pilot)
        if isinstance(app.screen, ListScreen):
            await filter_applied(pilot)
        for listed in app.screen.query(CommandList):
            while not listed.option_count:
                await pilot.pause()
            await settle(pilot)
        for area in app.screen.query(TextArea):
            area.cursor_blink = False
        for line in app.screen.query(Input):
            line.cursor_blink = False
            if screen == "export":
                line.value = "exports"  # not the folder in which the tests happen to run
        await settle(pilot)

    export = app.export_screenshot

    def export_and_measure(**how: Any) -> str:
        svg = export(**how)
        too_dim.extend(unreadable(app, svg))
        return svg

    monkeypatch.setattr(app, "export_screenshot", export_and_measure)
    run: Callable[[Pilot[object]], Awaitable[None]] = arrive
    assert snap_compare(app, terminal_size=size, run_before=run)
    assert too_dim == []


def test_each_stored_picture_is_compared() -> None:
    stored = Path(__file__).parent.glob(f"__snapshots__/{Path(__file__).stem}/*.svg")
    compared = {f"test_picture[{screen}-{appearance}]" for screen, appearance in pictures()}
    assert {path.stem for path in stored} == compared
