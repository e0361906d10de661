"""The export dialog: formats, minutes, and places where nothing can be written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from tests.ui.conftest import Build, settle
from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import Ledger
from tui_voice.store.exporters import EXPORT_FORMATS
from tui_voice.ui.export_writer import MINUTES
from tui_voice.ui.options import ExitSummary
from tui_voice.ui.screens.export import ExportDialog
from tui_voice.ui.widgets.notice import NoticeLine
from tui_voice.ui.widgets.row_list import RowList


def files(folder: Path, ending: str) -> int:
    return len(list(folder.glob(f"*.{ending}")))


async def export(pilot: Pilot[ExitSummary], *, number: int, target: str) -> None:
    """Chooses the format of that number in the list, names the place and presses Enter."""
    await settle(pilot)
    await pilot.press("ctrl+e", *["down"] * number)
    await settle(pilot)
    pilot.app.screen.query_one(Input).value = target
    await pilot.press("enter")
    await settle(pilot)


async def test_the_dialog_offers_every_export_format_and_the_minutes(build: Build) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+e")
        await settle(pilot)
        assert isinstance(app.screen, ExportDialog)
        offered = [name for name, _sentence in app.screen.query_one(RowList).rows]
        assert offered == [*EXPORT_FORMATS, MINUTES]


async def test_export_writes_the_chosen_format(build: Build, tmp_path: Path) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await export(pilot, number=1, target=str(tmp_path))
    assert files(tmp_path, "txt") == 1
    assert "shellfish" in (tmp_path / "kyoto-in-april.txt").read_text()


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("x" * 3_000, "is too long"),
        ("~nobody-of-this-name/trip", "There is no user"),
        ("no/such/folder", "cannot be written"),
    ],
    ids=["long", "user", "folder"],
)
async def test_a_place_where_no_export_can_be_written_is_refused_with_a_sentence(
    build: Build, typed: str, why: str
) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await export(pilot, number=0, target=typed)
        hints = [str(hint.render()) for hint in app.screen.query(".hint").results(Static)]
        notice = app.session_screen.query_one(NoticeLine).shown.text
        assert why in " ".join([*hints, notice])
    assert app.failure is None


async def test_minutes_are_written_in_a_thread(build: Build, tmp_path: Path) -> None:
    cost = e.WritingBilled(purpose="minutes", usd=0.5)

    def minutes(ledger: Ledger, post: Callable[[e.Event], object]) -> str:
        post(cost)
        return f"- Decided: {len(ledger.turns)} turns of it"

    app = build(minutes=minutes)
    async with app.run_test(size=(120, 36)) as pilot:
        await export(pilot, number=len(EXPORT_FORMATS), target=str(tmp_path))
    assert "- Decided: " in (tmp_path / "kyoto-in-april-minutes.md").read_text()
    assert cost in app.scripted.posted, "it counts in the session's total"


async def test_without_a_writer_of_minutes_the_export_fails_with_a_sentence(
    build: Build, tmp_path: Path
) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await export(pilot, number=len(EXPORT_FORMATS), target=str(tmp_path))
        shown = app.screen.query_one(NoticeLine).shown
        assert "Minutes cannot be written here." in shown.text
        assert shown.severity == "error"
    assert files(tmp_path, "md") == 0
