"""Searching finds what was said; whatever is typed is a valid query and never SQL."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.store.folders_harness import found, two_sessions, typed
from tests.store.sessions_harness import opened, write
from tui_voice.store import index, search
from tui_voice.store.query import Query, Term, parse

NOW = datetime(2026, 4, 15, 12, 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return two_sessions(tmp_path / "sessions")


@pytest.mark.parametrize(
    ("text", "turns"),
    [
        ("shellfish", {("new", "i1"), ("old", "i1"), ("old", "i2")}),
        ("SHELLFISH allergic", {("old", "i1")}),
        ('"golden temple"', {("new", "i1")}),
        ('"golden temple', {("new", "i1")}),
        ("golden temple", {("new", "i1"), ("new", "i2")}),
        ("shell*", {("new", "i1"), ("old", "i1"), ("old", "i2")}),
        ("shell", set()),
        ("cafe", {("old", "i3")}),
        ("ÇA", {("old", "i3")}),
        ("桜", {("old", "i4")}),
        ("京都", {("old", "i4")}),
        ("都京", set()),
        ("snake_case", {("new", "i3")}),
        ("don't", {("new", "i3")}),
        ("3.5 c++", {("new", "i3")}),
        ("shellfish role:voice", {("old", "i2")}),
        ("shellfish role:you", {("new", "i1"), ("old", "i1")}),
        ("role:assistant", {("new", "i2"), ("old", "i2")}),
        ("shellfish after:2026-04", {("new", "i1")}),
        ("shellfish before:2026-04-01", {("old", "i1"), ("old", "i2")}),
        ("after:2026-04-11", set()),
        ("before:2026-03-02 role:voice", {("old", "i2")}),
        ("role:nobody", set()),
        ("", set()),
        ("  ... !!! ", set()),
    ],
)
def test_turns_are_found_by_words_phrases_prefixes_and_filters(
    folder: Path, text: str, turns: set[tuple[str, str]]
) -> None:
    assert set(found(folder, text)) == turns


@pytest.mark.parametrize(
    ("text", "turns"),
    [
        ("ข้าวผัด", {"i1"}),
        ("ผัดข้าว", set()),
        ("학교", {"i2"}),
        ("\u1112\u1161\u11a8\u1100\u116d", {"i2"}),  # the same in parts, as macOS stores it
        ("하고", set()),
        ("ロボット", {"i3"}),
        ("ក្រុង", {"i4"}),
        ("ဗမာ", {"i5"}),
    ],
)
def test_words_are_found_in_scripts_that_do_not_separate_them(
    tmp_path: Path, text: str, turns: set[str]
) -> None:
    said = ["ผมชอบกินข้าวผัด", "학교에 갑니다", "小さなロボットです", "រាជធានីក្រុងភ្នំពេញ", "မြန်မာဗမာစာ"]
    events = [typed(n, words) for n, words in enumerate(said, 1)]
    write(tmp_path / "asia.jsonl", [opened("asia"), *events])
    hits = search.search(tmp_path, text)
    assert {hit.turn for hit in hits} == turns
    for hit in hits:
        assert hit.marks, "the words are lit"


def test_the_last_word_is_a_prefix_while_the_user_types(folder: Path) -> None:
    assert found(folder, "gol", typing=True) == [("new", "i2"), ("new", "i1")]
    assert found(folder, "gol tem", typing=True) == []
    assert found(folder, '"gol"', typing=True) == []


def test_hits_are_ordered_by_how_well_they_match_then_by_age(folder: Path) -> None:
    assert found(folder, "shellfish")[-1] == ("new", "i1")  # the word once in a long turn
    assert found(folder, "role:you")[0] == ("new", "i3")
    assert len(found(folder, "shellfish", limit=1)) == 1


def test_a_hit_names_its_session_and_turn(folder: Path) -> None:
    (hit,) = search.search(folder, '"golden temple"')
    assert (hit.id, hit.title, hit.turn, hit.role) == ("new", "Kyoto", "i1", "user")
    assert (hit.at, hit.started) == (1.0, "2026-04-10T10:00:00+00:00")
    assert hit.place == (folder / "new.jsonl", "i1")
    assert [hit.excerpt[a:b] for a, b in hit.marks] == ["golden temple"]
    assert hit.excerpt.endswith(" …")
    assert len(hit.excerpt) <= search.EXCERPT + 4


@given(st.text(max_size=60), st.booleans())
@example('"', False)
@example('a" OR text:b NEAR(c) -d ^e {f} + *', False)
@example("text : x AND NOT role:user", True)
@example("after:9999 before:0001-01-01 after:2026-02-31 before:9999w", False)
@example("_ ___ *", True)
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_text_breaks_the_search(folder: Path, text: str, typing: bool) -> None:
    index.update(folder)
    inode = index.database(folder).stat().st_ino
    search.search(folder, text, typing=typing)
    assert index.database(folder).stat().st_ino == inode  # an error of SQLite makes a new index


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300), st.data())
@settings(max_examples=200, deadline=None)
def test_an_excerpt_is_short_and_its_marks_lie_in_it(text: str, data: st.DataObject) -> None:
    words = text.split() or ["x"]
    query = parse(data.draw(st.sampled_from(words)))
    part, places = search.excerpt(text, query)
    assert len(part) <= search.EXCERPT + 4
    assert "\n" not in part
    for start, end in places:
        assert 0 <= start < end <= len(part)


def test_an_excerpt_begins_before_the_first_hit() -> None:
    text = "one two three " * 30 + "needle " + "four five six " * 30
    part, ((start, end),) = search.excerpt(text, parse("needle"))
    assert part[start:end] == "needle"
    assert part.startswith("… ")
    assert part.endswith(" …")
    assert search.excerpt("x" * 500 + "!", parse("y"))[0].endswith(" …")
    glued = "x" * 500
    assert search.excerpt(glued, parse("xx*"))[1] == ((0, search.EXCERPT),)
    part, places = search.excerpt("ー" * 300 + "桜", parse("桜"))
    assert [part[a:b] for a, b in places] == ["桜"]


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("a b", Query((Term(("a",)), Term(("b",))))),
        ('"a b" c*', Query((Term(("a", "b"), phrase=True), Term(("c",), True)))),
        ("role:voice", Query(role="assistant")),
        ("role:pope", Query((Term(("role", "pope")),))),
        ("after:2026", Query(after=datetime(2026, 1, 1).timestamp())),
        ("after:2026-4", Query(after=datetime(2026, 4, 1).timestamp())),
        ("before:2026-04-02", Query(before=datetime(2026, 4, 2).timestamp())),
        ("after:today", Query(after=datetime(2026, 4, 15).timestamp())),
        ("before:yesterday", Query(before=datetime(2026, 4, 14).timestamp())),
        ("after:2w", Query(after=(NOW - timedelta(weeks=2)).timestamp())),
        ("after:9999y", Query((Term(("after", "9999y")),))),
        ("before:2026-13", Query((Term(("before", "2026", "13")),))),
        ("after:spring", Query((Term(("after", "spring")),))),
    ],
)
def test_a_query_is_read(text: str, query: Query) -> None:
    assert parse(text, now=NOW) == query
