"""One file that cannot be read is listed with its fault; the other sessions stay usable."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.privileges_harness import can_drop, can_give_away, give_away, ordinary_user
from tests.runtime.session_harness import drive, settings_for, toy_server
from tui_voice.__main__ import main
from tui_voice.cli.arguments import find_session
from tui_voice.conversation import events as e
from tui_voice.runtime.headless import HeadlessSession
from tui_voice.runtime.session_factory import SessionOptions
from tui_voice.store.reading import read

SESSIONS = Path(__file__).parents[2] / "sessions"
KYOTO = "2026-03-14-1202-kyto"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="file names and pipes of POSIX")


def sparse(path: Path, size: int, beginning: bytes = b"") -> None:
    with path.open("wb") as file:
        file.write(beginning)
        file.truncate(size)


def unreadable(path: Path) -> None:
    path.write_bytes(b'{"event":"session_opened"}\n')
    path.chmod(0)


def foreign(path: Path) -> None:
    path.write_bytes(b'{"event":"session_opened"}\n')
    if not can_give_away:
        pytest.skip("only root can make a file somebody else's")
    give_away(path, 0o600)


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "diary": (lambda path: path.write_text("Dear diary"), "is not a saved session"),
    "pipe": (os.mkfifo, "is not a file but a pipe or a device"),
    "folder": (lambda path: path.mkdir(), "is not a file but a folder"),
    "loop": (lambda path: path.symlink_to(path), "cannot be read: too many levels"),
    "nowhere": (lambda path: path.symlink_to(path / "gone"), "cannot be read: too many levels"),
    "dangling": (lambda path: path.symlink_to("gone"), "there is no session at"),
    "enormous": (lambda path: sparse(path, 9 << 30), "is too large for a session (9.7 GB)"),
    "zeros": (lambda path: sparse(path, 1 << 30), "is not a saved session"),
    "binary": (lambda path: path.write_bytes(bytes(range(256)) * 9), "is not a saved session"),
    "brackets": (lambda path: path.write_bytes(b"[" * 99_999), "is not a saved session"),
    "locked": (unreadable, "cannot be read: permission denied"),
    "foreign": (foreign, "cannot be read: permission denied"),
}
"""By name of the file: how it is made, and what is said of it."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # exports are written there
    folder = tmp_path / "saved"
    folder.mkdir()
    shutil.copy(SESSIONS / "v1-kyoto-in-april.jsonl", folder)
    return folder


def run(folder: Path, *argv: str) -> int:
    return main([*argv, "--sessions-dir", str(folder)])


@pytest.fixture
def no_rights() -> Iterator[None]:
    """The rights of an ordinary user, also where the tests run as root."""
    if not can_drop:
        pytest.skip("the rights of this user cannot be dropped")
    with ordinary_user():
        yield


@pytest.mark.usefixtures("no_rights")
@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_file_is_listed_and_the_others_work(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make, fault = FAULTS[name]
    path = folder / f"{name}.jsonl"
    make(path)

    assert run(folder, "sessions", "list") == 0
    out, err = capsys.readouterr()
    assert KYOTO in out
    assert err.count("\n") == 1
    assert fault in err
    assert str(path) in err
    assert run(folder, "sessions", "list", "--json") == 0
    kyoto, faulty = json.loads(capsys.readouterr().out)
    assert (kyoto["id"], "fault" in kyoto) == (KYOTO, False)
    assert (faulty["id"], faulty["path"]) == (name, str(path))
    assert fault in faulty["fault"]
    assert run(folder, "sessions", "search", "shellfish") == 0
    out, err = capsys.readouterr()
    assert "Kyoto in April" in out
    assert fault in err
    assert find_session(folder, "last").id == KYOTO
    for command in (
        ["sessions", "show"],
        ["sessions", "export"],
        ["simulate"],
        ["say", "--session"],
    ):
        for wanted in (name, str(path)):
            words = ["hello"] if command[0] == "say" else []
            assert run(folder, *command, wanted, *words) == 1
            out, err = capsys.readouterr()
            assert (out, err.count("\n")) == ("", 1)
            assert fault in err


@pytest.mark.usefixtures("no_rights")
async def test_continue_takes_the_newest_session_of_ones_own(tmp_path: Path) -> None:
    """Beside a newer one of somebody else, which is closed to this user."""
    folder = tmp_path / "sessions"
    async with toy_server() as server:
        options = SessionOptions(settings=settings_for(server.url), folder=folder)
        path = await drive(options, lambda session: session.say("hello Anna"))
        foreign(folder / "newer.jsonl")
        assert find_session(folder, "last").path == path
        await drive(replace(options, resume=path), lambda session: session.say("yes"))
    texts = [event.text for event in read(path).events if isinstance(event, e.TextSubmitted)]
    assert texts == ["hello Anna", "yes"]


@pytest.mark.skipif(not can_give_away, reason="only root can make a file somebody else's")
def test_a_session_of_somebody_else_is_read_and_not_changed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where its owner lets others read it."""
    path = folder / "v1-kyoto-in-april.jsonl"
    give_away(path, 0o644)
    before = path.read_bytes()
    with ordinary_user():
        for argv in (["list"], ["show", KYOTO], ["search", "shellfish"]):
            assert run(folder, "sessions", *argv) == 0
            out, err = capsys.readouterr()
            assert "Kyoto in April" in out
            assert err == ""
        assert run(folder, "sessions", "rename", KYOTO, "mine") == 1
        assert capsys.readouterr().err.count("\n") == 1
    assert path.read_bytes() == before


@pytest.mark.skipif(not can_give_away, reason="only root can make a folder somebody else's")
@pytest.mark.parametrize(
    "argv", [["list"], ["search", "shellfish"], ["show", "last"], ["export", KYOTO]]
)
def test_a_folder_of_somebody_else_is_named(
    folder: Path, argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    give_away(folder, 0o700)
    with ordinary_user():
        status = run(folder, "sessions", *argv)
    _out, err = capsys.readouterr()
    assert status == (0 if argv[0] in ("list", "search") else 1)
    assert err.count("tui-voice: ") == 1
    assert f"{folder} cannot be read: permission denied" in err


def test_a_session_that_can_be_read_again_is_listed_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = folder / "v1-kyoto-in-april.jsonl"
    moved = good.rename(folder / "elsewhere")
    good.symlink_to("gone")
    assert run(folder, "sessions", "list") == 0
    assert "there is no session at" in capsys.readouterr().err
    good.unlink()
    moved.rename(good)
    assert run(folder, "sessions", "list") == 0
    out, err = capsys.readouterr()
    assert (KYOTO in out, err) == (True, "")


@pytest.mark.skipif(sys.platform == "darwin", reason="file names are UTF-8 there")
def test_a_file_name_that_is_not_utf_8_is_a_session_like_others(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = os.fsdecode(b"bad\xff.jsonl")
    (folder / "v1-kyoto-in-april.jsonl").rename(folder / name)
    (folder / os.fsdecode(b"odd\xfe.jsonl")).write_text("Dear diary")
    assert run(folder, "sessions", "list") == 0
    out, err = capsys.readouterr()
    assert KYOTO in out
    assert "odd\\udcfe.jsonl is not a saved session" in err
    assert run(folder, "sessions", "list", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["path"] == str(folder / name)
    assert run(folder, "sessions", "search", "shellfish", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["path"] == str(folder / name)
    for wanted in (KYOTO, os.fsdecode(b"bad\xff"), str(folder / name)):
        assert run(folder, "sessions", "show", wanted) == 0
        assert "Kyoto in April" in capsys.readouterr().out


def test_a_damaged_date_is_a_note(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "v1-kyoto-in-april.jsonl"
    for started in (b'"yesterday\\u001b[31m"', b'"0001-01-01T00:00:00+23:59"', b'""'):
        text = (SESSIONS / path.name).read_bytes()
        path.write_bytes(text.replace(b'"2026-03-14T12:02:11.204+01:00"', started, 1))
        for argv in (["list"], ["show", KYOTO], ["search", "shellfish"], ["export", KYOTO]):
            assert run(folder, "sessions", *argv) == 0
            out, err = capsys.readouterr()
            assert "\x1b" not in out + err
            if argv[0] == "show" and b"0001" not in started:
                assert "the time at which it began cannot be read" in err


def test_copies_are_called_by_their_file_names(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(folder / "v1-kyoto-in-april.jsonl", folder / f"{KYOTO}.jsonl")
    shutil.copy(folder / "v1-kyoto-in-april.jsonl", folder / "copy.jsonl")
    for argv in (["list", "--json"], ["search", "shellfish", "--json"]):
        assert run(folder, "sessions", *argv) == 0
        rows = json.loads(capsys.readouterr().out)
        assert {row["id"] for row in rows} == {KYOTO, "copy", "v1-kyoto-in-april"}
        assert all(find_session(folder, row["id"]).path == Path(row["path"]) for row in rows)


def test_sessions_of_two_folders_with_one_name_are_told_apart(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = folder / "v1-kyoto-in-april.jsonl"
    second = Path(shutil.copytree(folder, tmp_path / "other")) / first.name
    assert main(["simulate", "--json", "--policy", "none", str(first), str(second)]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["session"] for row in rows] == [first.stem, str(second)]


@pytest.mark.parametrize("form", ["absolute", "relative", "without suffix", "home"])
def test_a_path_is_accepted_wherever_an_id_is(
    form: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(folder)
    path = folder / "v1-kyoto-in-april.jsonl"
    wanted = {
        "absolute": str(path),
        "relative": f"./{path.name}",
        "without suffix": str(path.with_suffix("")),
        "home": f"~/saved/{path.name}",
    }[form]
    elsewhere = tmp_path / "empty"
    assert find_session(elsewhere, wanted).path == path
    for command in ("show", "export", "rename", "fork", "delete"):
        words = {"rename": ["A title"], "fork": ["1"], "delete": ["--yes"]}.get(command, [])
        assert main(["sessions", command, wanted, *words, "--sessions-dir", str(elsewhere)]) == 0


def test_a_title_with_a_slash_is_no_path(folder: Path) -> None:
    assert run(folder, "sessions", "rename", KYOTO, "A/B", "tests") == 0
    assert find_session(folder, "A/B tests").id == KYOTO


async def test_what_was_mended_is_told_when_a_session_is_resumed(tmp_path: Path) -> None:
    """Its date, a line and the last line are damaged, and the copy keeps its own name."""
    path = tmp_path / "sessions" / "copy.jsonl"
    async with toy_server() as server:
        options = SessionOptions(settings=settings_for(server.url), folder=path.parent)
        first = await drive(options, lambda session: session.say("hello Anna"))
        lines = first.read_bytes().splitlines(keepends=True)
        started = lines[0].partition(b'"started":"')[2].partition(b'"')[0]
        lines[0] = lines[0].replace(started, b"soon")
        path.write_bytes(b"".join([lines[0], b"{]\n", *lines[1:], b'{"event":"respo']))
        told: list[str] = []

        def resumed(session: HeadlessSession) -> None:
            assert session.id == "copy"
            assert [turn.text for turn in session.say("hello Ben")] == ["hello Ben"] * 2

        def listen(event: e.Event) -> None:
            if isinstance(event, e.Noticed):
                told.append(event.text)

        await drive(replace(options, resume=path), resumed, on_event=listen)
    assert "the time at which it began cannot be read, so its turns have no date" in told
    assert "line 2 cannot be read and was skipped" in told
    texts = [event.text for event in read(path).events if isinstance(event, e.TextSubmitted)]
    assert texts == ["hello Anna", "hello Ben"]
