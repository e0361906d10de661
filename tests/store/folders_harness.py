"""Folders of saved sessions, and what a search finds in them."""

from __future__ import annotations

from pathlib import Path

from tests.store.sessions_harness import opened, session, write
from tui_voice.conversation import events as e
from tui_voice.store import index, search


def typed(n: int, text: str, role: str = "user") -> e.Event:
    """An event that makes a turn `i<n>` with this text, `n` seconds after the beginning."""
    if role == "user":
        return e.TextSubmitted(at=n, item_id=f"i{n}", text=text)
    return e.TurnAdded(at=n, item_id=f"i{n}", role=role, text=text)  # type: ignore[arg-type]  # a role


def found(folder: Path, text: str, **options: object) -> list[tuple[str, str]]:
    """Session id and turn id of each hit of a search."""
    hits = search.search(folder, text, **options)  # type: ignore[arg-type]  # passed on
    return [(hit.id, hit.turn) for hit in hits]


def found_while_typing(folder: Path, text: str) -> list[tuple[str, str]]:
    """The same as the search screen gets it: it updates the index, and the search does not."""
    index.update(folder)
    return found(folder, text, typing=True, refresh=False)


def two_sessions(folder: Path) -> Path:
    """A session of March and one of April: shellfish, a temple, scripts without spaces."""
    write(
        folder / "old.jsonl",
        [
            opened("old", started="2026-03-01T10:00:00+00:00"),
            typed(1, "I am allergic to shellfish."),
            typed(2, "Noted: no shellfish.", "assistant"),
            typed(3, "Ça va, café?"),
            typed(4, "京都の桜はきれいです"),
        ],
    )
    write(
        folder / "new.jsonl",
        [
            opened("new", started="2026-04-10T10:00:00+00:00"),
            e.SessionRenamed(at=0, title="Kyoto"),
            typed(1, "The golden temple, and then the shellfish market. " + "And so on. " * 60),
            typed(2, "A temple that is golden.", "assistant"),
            typed(3, "snake_case and don't and 3.5 and C++"),
        ],
    )
    return folder


def three_sessions(folder: Path) -> Path:
    """Three sessions, from old to new, and files that are none."""
    write(folder / "2026-01-a.jsonl", [opened("2026-01-a", started="2026-01-01T10:00:00+00:00")])
    march = opened("2026-03-b", started="2026-03-01T10:00:00+00:00")
    write(folder / "2026-03-b.jsonl", [march, *list(session(4))[1:]])
    write(
        folder / "2026-03-c.jsonl",
        [*session(2, "2026-03-c"), e.SessionRenamed(at=20, title=" Kyōto \x1b[31m in April")],
    )
    (folder / "notes.txt").write_text("not a session")
    (folder / "empty.jsonl").touch()
    (folder / "odd.jsonl").write_text("Dear diary\n")
    (folder / ".hidden.jsonl").write_text("{}")
    return folder
