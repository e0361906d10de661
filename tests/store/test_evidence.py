"""Turns that answer a question are found by stems and ranked by BM25, with their neighbours."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui_voice.conversation import events as e
from tui_voice.store.evidence import SURE, Evidence, find_evidence
from tui_voice.store.journal import Journal
from tui_voice.store.search import Reach, search

ENGLISH = (
    ("user", "We spent three nights in a cabin beside the fjord."),
    ("assistant", "That sounds like a peaceful holiday."),
    ("user", "The kayaks were leaking, so we repaired them with tape."),
    ("assistant", "Very resourceful of you."),
    ("user", "My brother Torvald never eats mushrooms."),
    ("assistant", "I will remember that."),
)
GERMAN = (
    ("user", "Die Katze meiner Nachbarin heißt Minka und schläft auf unserem Sofa."),
    ("assistant", "Das klingt gemütlich."),
    ("user", "Wir haben gestern zwanzig Kirschbäume im Garten gepflanzt."),
    ("assistant", "Im Frühling werden sie blühen."),
)


def write(folder: Path, name: str, said: tuple[tuple[str, str], ...]) -> None:
    opened = e.SessionOpened(
        id=name, started="2026-03-01T10:00:00+00:00", backend="local", model="local"
    )
    journal = Journal.create(folder, opened)
    for number, (role, text) in enumerate(said):
        item, at = f"{name}{number}", 60.0 * number
        if role == "user":
            journal.append(e.TextSubmitted(at=at, item_id=item, text=text))
        else:
            added = e.TurnAdded(at=at, item_id=item, role="assistant", modality="text")
            journal.append(added)
            journal.append(e.TranscriptDone(at=at, item_id=item, text=text))
    journal.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "sessions", "en", ENGLISH)
    write(tmp_path / "sessions", "de", GERMAN)
    return tmp_path / "sessions"


def ask(folder: Path, question: str, **more: object) -> list[Evidence]:
    return find_evidence(folder, question, cache=folder.parent / "cache", **more)  # type: ignore[arg-type]  # the options of find_evidence


@pytest.mark.parametrize(
    ("question", "turn"),
    [
        ("How did you repair the leak in your kayak?", "en2"),
        ("What does Torvald not eat, a mushroom?", "en4"),
        ("Wo schlafen die Katzen?", "de0"),
        ("Wann wurde der Kirschbaum gepflanzt?", "de2"),
    ],
)
def test_inflected_words_find_the_turn(folder: Path, question: str, turn: str) -> None:
    best = ask(folder, question)[0]
    assert best.said.turn == turn
    assert best.share > 0


def test_a_hit_has_the_turns_beside_it_and_its_own_moment(folder: Path) -> None:
    hit = ask(folder, "kayaks")[0]
    assert hit.before is not None
    assert hit.after is not None
    assert (hit.before.turn, hit.after.turn) == ("en1", "en3")
    assert hit.moment is not None
    assert hit.moment.isoformat() == "2026-03-01T10:02:00+00:00"
    assert hit.score > 0


def test_a_question_without_an_answer_is_not_sure(folder: Path) -> None:
    assert ask(folder, "What is the password of the submarine?") == [] or (
        max(one.share for one in ask(folder, "What is the password of the submarine?")) < SURE
    )
    assert ask(folder, "Torvald mushrooms")[0].share >= SURE
    assert ask(folder, "…") == []


def test_turns_in_the_window_and_other_sessions_are_left_out(folder: Path) -> None:
    assert all(one.said.turn != "en2" for one in ask(folder, "kayaks", held={"en2"}))
    assert ask(folder, "kayaks", reach=Reach("de.jsonl", "nobody")) == []


def test_human_search_finds_stems_and_marks_them(folder: Path) -> None:
    def turns(words: str) -> list[str]:
        return [hit.turn for hit in search(folder, words, cache=folder.parent / "cache")]

    assert turns("kayak") == ["en2"]
    assert turns("night") == ["en0"]
    assert turns('"night"') == []
    (hit,) = search(folder, "night", cache=folder.parent / "cache")
    assert [hit.excerpt[start:end] for start, end in hit.marks] == ["nights"]
    assert turns("role:voice holidays") == ["en1"]


def test_the_counts_of_stems_follow_deleted_sessions(folder: Path) -> None:
    assert ask(folder, "kayaks")
    (folder / "en.jsonl").unlink()
    assert ask(folder, "kayaks") == []
    assert ask(folder, "Minka")[0].said.turn == "de0"
