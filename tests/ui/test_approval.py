"""The dialog that asks whether the model may call a function of a tool server."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.pilot import Pilot

from tests.ui.conftest import AppUnderTest, Build, settle
from tui_voice.runtime.session_handle import ApprovalRequest
from tui_voice.ui.screens.approval import ApprovalDialog

REQUEST = ApprovalRequest(7, "files", "delete_file", '{"path": "notes/\x1b[31mold.md"}')


async def opened(app: AppUnderTest, pilot: Pilot[object]) -> None:
    await settle(pilot)
    session = app.scripted
    session.current_meters = replace(session.current_meters, approval=REQUEST)
    app._drawing.read_meters()
    await settle(pilot)
    assert isinstance(app.screen, ApprovalDialog)


@pytest.mark.parametrize(
    ("keys", "decision"),
    [
        (["enter"], "refuse"),
        (["y", "a", "enter"], "refuse"),
        (["escape"], "refuse"),
        (["down", "enter"], "once"),
        (["down", "down", "enter"], "always"),
    ],
)
async def test_letters_decide_nothing_and_the_first_choice_refuses(
    build: Build, keys: list[str], decision: str
) -> None:
    app = build()
    async with app.run_test() as pilot:
        await opened(app, pilot)
        await pilot.press(*keys)
        await settle(pilot)
        assert app.scripted.decisions == [(7, decision)]
        assert app.screen is app.session_screen


async def test_the_dialog_names_the_function_and_its_arguments(build: Build) -> None:
    app = build()
    async with app.run_test() as pilot:
        await opened(app, pilot)
        shown = "\n".join(str(one.render()) for one in app.screen.query("Static"))
        assert "May the model call delete_file?" in shown
        assert "tool server files" in shown
        assert '"path": "notes/' in shown
        assert "\x1b" not in shown


async def test_the_dialog_closes_when_the_call_waits_no_longer(build: Build) -> None:
    app = build()
    async with app.run_test() as pilot:
        await opened(app, pilot)
        app.scripted.current_meters = replace(app.scripted.current_meters, approval=None)
        app._drawing.read_meters()
        await settle(pilot)
        assert app.screen is app.session_screen
