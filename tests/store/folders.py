"""Folders of saved talks, and what a search finds in them."""

from __future__ import annotations

from pathlib import Path

from tests.store.talks import opened, talk, write
from tui_voice.conversation import events as e
from tui_voice.store import search


def said(n: int, text: str, role: str = "user") -> e.Event:
    if role == "user":
        return e.TextSubmitted(at=n, item_id=f"i{n}", text=text)
    return e.TurnAdded(at=n, item_id=f"i{n}", role=role, text=text)  # type: ignore[arg-type]  # a role


def found(folder: Path, text: str, **more: object) -> list[tuple[str, str]]:
    hits = search.search(folder, text, **more)  # type: ignore[arg-type]  # passed on
    return [(hit.id, hit.turn) for hit in hits]


def two_talks(folder: Path) -> Path:
    """Of March and of April: shellfish, a temple, and scripts without blanks."""
    write(
        folder / "old.jsonl",
        [
            opened("old", started="2026-03-01T10:00:00+00:00"),
            said(1, "I am allergic to shellfish."),
            said(2, "Noted: no shellfish.", "assistant"),
            said(3, "Ça va, café?"),
            said(4, "京都の桜はきれいです"),
        ],
    )
    write(
        folder / "new.jsonl",
        [
            opened("new", started="2026-04-10T10:00:00+00:00"),
            e.SessionRenamed(at=0, title="Kyoto"),
            said(1, "The golden temple, and then the shellfish market. " + "And so on. " * 60),
            said(2, "A temple that is golden.", "assistant"),
            said(3, "snake_case and don't and 3.5 and C++"),
        ],
    )
    return folder


def three_talks(folder: Path) -> Path:
    """Three talks, from old to new, and things that are none."""
    write(folder / "2026-01-a.jsonl", [opened("2026-01-a", started="2026-01-01T10:00:00+00:00")])
    march = opened("2026-03-b", started="2026-03-01T10:00:00+00:00")
    write(folder / "2026-03-b.jsonl", [march, *list(talk(4))[1:]])
    write(
        folder / "2026-03-c.jsonl",
        [*talk(2, "2026-03-c"), e.SessionRenamed(at=20, title=" Kyōto \x1b[31m in April")],
    )
    (folder / "notes.txt").write_text("not one of them")
    (folder / "empty.jsonl").touch()
    (folder / "odd.jsonl").write_text("Dear diary\n")
    (folder / ".hidden.jsonl").write_text("{}")
    return folder
