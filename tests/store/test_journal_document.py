"""`docs/journal.md` describes exactly the events, versions and files of the code."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from tui_voice.conversation import events as e
from tui_voice.store import checkpoint, codec, index
from tui_voice.store.locking import pid_file

DOCUMENT = (Path(__file__).parents[2] / "docs" / "journal.md").read_text(encoding="utf-8")


def table_rows(first_column: str) -> list[list[str]]:
    """The cells of every table whose first column has this heading."""
    rows: list[list[str]] = []
    inside = False
    for line in DOCUMENT.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            inside = False
        elif cells[0] == first_column:
            inside = True
        elif inside and not set(line) <= set("|-"):
            rows.append(cells)
    return rows


EVENTS = {row[0].strip("`"): row for row in table_rows("event")}


def test_every_event_is_described_once() -> None:
    assert len(EVENTS) == len(table_rows("event"))
    assert set(EVENTS) == set(e.EVENTS)


@pytest.mark.parametrize("kind", e.EVENTS.values(), ids=lambda kind: kind.name)
def test_every_field_is_described_and_marked_where_it_may_be_missing(kind: type[e.Event]) -> None:
    _, cell, meaning = EVENTS[kind.name]
    described = re.findall(r"(?:^|, )`(\w+\??)` (?=\w)", cell)
    expected = [
        field.name if field.default is MISSING else f"{field.name}?"
        for field in fields(kind)
        if field.name != "at"
    ]
    assert described == expected
    assert meaning


@pytest.mark.parametrize("kind", e.EVENTS.values(), ids=lambda kind: kind.name)
def test_numbers_are_described_with_their_unit(kind: type[e.Event]) -> None:
    units = dict(re.findall(r"`(\w+)\??` (\w+)", EVENTS[kind.name][1]))
    for field in fields(kind):
        if field.name.endswith("_ms"):
            assert units[field.name] == "ms"
        elif field.name.startswith("usd") or field.name.endswith("usd"):
            assert units[field.name] == "USD"
        elif field.type in ("int", "float", "int | None", "float | None") and field.name != "at":
            assert units[field.name] in ("s", "tokens", "turns", "number")


def test_the_token_counts_of_a_usage_are_described() -> None:
    for field in fields(e.Usage):
        assert f"`{field.name}`" in DOCUMENT


def test_versions_and_renamed_events_are_described() -> None:
    assert [int(row[0]) for row in table_rows("version")] == list(range(1, codec.VERSION + 1))
    assert f"The program writes version {codec.VERSION}." in DOCUMENT
    renamed = {old.strip("`"): new.strip("`") for old, new in table_rows("version 1")}
    assert renamed == codec.RENAMED


def test_the_files_beside_a_journal_are_described(tmp_path: Path) -> None:
    files = " ".join(row[0] for row in table_rows("file"))
    assert pid_file(tmp_path / "<id>.jsonl").name in files
    assert index.database(tmp_path).name.split("-")[0] + "-….sqlite" in files
    assert f"more than {checkpoint.WORTH_LINES:,} lines".replace(",", " ") in DOCUMENT


def test_the_example_lines_are_events() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)
    for line in example.encode().splitlines():
        event = codec.decode(line)
        assert event is not None
        assert codec.encode(event).strip() == line
