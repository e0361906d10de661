"""The list of sessions: a deletion can be undone until the user leaves the list."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.ui.conftest import AppUnderTest, Build, settle
from tui_voice.errors import StoreError
from tui_voice.store import catalog, typed_inputs
from tui_voice.store.pending_deletion import PendingDeletion
from tui_voice.ui.options import ExitSummary
from tui_voice.ui.screens.sessions import SessionsScreen
from tui_voice.ui.widgets.footer import KeyHintsLine
from tui_voice.ui.widgets.notice import NoticeLine


@pytest.fixture(autouse=True)
def trash(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The system's trash, in the test's folder; a test of the catalog puts files into the real
    one in a process of its own, for the library reads its place when it is imported.
    """
    folder = tmp_path / "trash"
    folder.mkdir()
    monkeypatch.setattr("send2trash.send2trash", lambda path: path.rename(folder / path.name))
    return folder


async def open_list(pilot: Pilot[ExitSummary]) -> SessionsScreen:
    await settle(pilot)
    await pilot.press("ctrl+r")
    await settle(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, SessionsScreen)
    return screen


def contents(folder: Path, pattern: str = "*.jsonl") -> dict[str, bytes]:
    """Name and content of each file."""
    return {path.name: path.read_bytes() for path in folder.glob(pattern)}


def titles(screen: SessionsScreen) -> list[str]:
    return [row.title for row in screen.list.rows]


def notice(screen: SessionsScreen) -> str:
    return screen.query_one(NoticeLine).notice.text


def add_sessions(folder: Path, count: int) -> None:
    for number in range(count):
        shutil.copy(folder / "v1-soft-eggs.jsonl", folder / f"copy-{number}.jsonl")


async def test_a_deletion_is_undone_and_nothing_has_happened(build: Build, folder: Path) -> None:
    app = build()
    before = contents(folder)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await open_list(pilot)
        listed, chosen = titles(screen), screen.chosen_row
        assert "undo" not in {action for action, _, _ in screen.query_one(KeyHintsLine).hints}
        await pilot.press("ctrl+d")
        await settle(pilot)
        assert len(titles(screen)) == len(listed) - 1
        assert "^Z brings it back" in notice(screen)
        assert screen.query_one(KeyHintsLine).hints[0] == ("undo", "^Z", "undo")
        await pilot.press("ctrl+z")
        await settle(pilot)
        assert titles(screen) == listed
        assert screen.chosen_row == chosen
        assert notice(screen) == ""
        await pilot.press("escape")
        await settle(pilot)
    assert contents(folder) == before


async def test_leaving_the_list_deletes_session_sound_and_draft(
    build: Build, folder: Path, trash: Path
) -> None:
    app = build()
    (folder / "v1-soft-eggs.flac").write_bytes(b"sound")
    opened = json.loads((folder / "v1-soft-eggs.jsonl").read_bytes().splitlines()[0])
    typed_inputs.save_sent(folder, "kept")
    typed_inputs.save_draft(folder, opened["id"], "an old draft")
    typed_inputs.save_draft(folder, opened["id"], "a secret draft")
    typed_inputs.save_draft(folder, "another", "kept too")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await open_list(pilot)
        while screen.chosen_row and screen.chosen_row.path.stem != "v1-soft-eggs":
            await pilot.press("down")
        await pilot.press("ctrl+d")
        await settle(pilot)
        assert len(titles(screen)) == 1
        assert (folder / "v1-soft-eggs.jsonl").exists()
        await pilot.press("escape")
        await settle(pilot)
    assert not contents(folder, "v1-soft-eggs*")
    assert set(contents(trash, "*")) == {"v1-soft-eggs.jsonl", "v1-soft-eggs.flac"}
    assert "draft" not in (folder / typed_inputs.NAME).read_text().replace('"draft":', "")
    typed = typed_inputs.load(folder)
    assert (typed.sent, typed.drafts) == (("kept",), {"another": "kept too"})


async def test_the_highlight_stays_where_the_row_was(build: Build, folder: Path) -> None:
    add_sessions(folder, 6)
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await open_list(pilot)
        await pilot.press(*["down"] * 4)
        below = screen.list.rows[5].path
        await pilot.press("ctrl+d")
        await settle(pilot)
        row = screen.chosen_row
        assert row is not None
        assert (screen.list.highlighted, row.path) == (4, below)
        await pilot.press(*["down"] * 9, "ctrl+d")
        await settle(pilot)
        assert screen.list.highlighted == len(screen.list.rows) - 1


async def test_deletions_are_undone_one_by_one_the_last_first(build: Build) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await open_list(pilot)
        first, second = (row.path for row in screen.list.rows)
        await pilot.press("ctrl+d", "ctrl+d")
        await settle(pilot)
        assert titles(screen) == []
        for path in (second, first):
            await pilot.press("ctrl+z")
            await settle(pilot)
            row = screen.chosen_row
            assert row is not None
            assert row.path == path
        await pilot.press("ctrl+z")
        await settle(pilot)
        assert len(titles(screen)) == 2


async def test_the_session_that_is_open_here_stays_and_the_list_says_why(
    build: Build, folder: Path
) -> None:
    app = build()
    before = contents(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_list(pilot)
        rows = titles(screen)
        screen._current = screen.list.rows[0].id
        await pilot.press("ctrl+d")
        await settle(pilot)
        assert titles(screen) == rows
        assert "This session is open" in screen.query_one(NoticeLine).shown.text
        await pilot.press("escape")
        await settle(pilot)
    assert contents(folder) == before


async def test_a_session_that_is_open_elsewhere_is_not_deleted(build: Build) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await open_list(pilot)
        row = screen.chosen_row
        assert row is not None
        other = PendingDeletion(row.path, "")
        await pilot.press("ctrl+d")
        await settle(pilot)
        assert "is open in process" in notice(screen)
        assert len(titles(screen)) == 2
        other.undo()


async def test_where_there_is_no_trash_the_session_stays_and_the_user_is_told(
    build: Build, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import send2trash

    def full(_path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(send2trash, "send2trash", full)
    app = build()
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await open_list(pilot)
        await pilot.press("ctrl+d", "escape")
        await settle(pilot)
        (told,) = told_of(app)
        assert "could not be put into the trash" in told
    assert len(contents(folder)) == 2


def told_of(app: AppUnderTest) -> list[str]:
    lines = (line.shown.text for screen in app.screen_stack for line in screen.query(NoticeLine))
    return [text for text in lines if text]


def test_a_process_that_is_killed_meanwhile_deletes_nothing(folder: Path) -> None:
    path = folder / "v1-soft-eggs.jsonl"
    pending = PendingDeletion(path, "Eggs")
    with pytest.raises(StoreError, match="is open in process"):
        catalog.rename(path, "Other")
    pending._lock.release()  # the system does it when the process has ended
    catalog.rename(path, "Other")
    assert catalog.find(folder, "Other").path == path


def test_a_deletion_without_the_screen_is_final(folder: Path, trash: Path) -> None:
    typed_inputs.save_draft(folder, "v1-soft-eggs", "half")
    catalog.delete(folder / "v1-soft-eggs.jsonl")
    assert [path.name for path in trash.iterdir()] == ["v1-soft-eggs.jsonl"]
    assert typed_inputs.load(folder).drafts == {}


def test_a_full_disk_keeps_the_other_drafts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    typed_inputs.save_draft(folder, "gone", "half")
    typed_inputs.save_draft(folder, "kept", "half")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(typed_inputs, "_write", full)
    typed_inputs.delete_drafts(folder, {"gone"})
    assert typed_inputs.load(folder).drafts["kept"] == "half"
