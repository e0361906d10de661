"""The filter for API keys: what it removes from texts and events, and what it leaves."""

from __future__ import annotations

from dataclasses import MISSING, fields, replace
from pathlib import Path

import pytest

from tests.store.sessions_harness import opened, write
from tui_voice.conversation import events as e
from tui_voice.store import catalog
from tui_voice.store.reading import load
from tui_voice.store.secrets import Redactor

KEY = (
    "sk-" + "proj-abcDEF1234567890abcDEF1234567890"
)  # invented; split, so that no scanner reports it


@pytest.mark.parametrize("before", ["", "\n", "\t", '"', "it is ", "("])
def test_keys_given_in_the_environment_or_of_openai_form_are_masked(
    monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "plain-words-as-key")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "short")
    text = f"{before}{KEY} plain-words-as-key keyring-secret short"
    masked = f"{before}[key] [key] [key] short"
    assert Redactor(["keyring-secret"]).text(text) == masked


def test_a_key_behind_an_escaped_line_break_is_masked() -> None:
    assert Redactor().text(f'{{"text":"one\\n{KEY}"}}') == '{"text":"one\\n[key]"}'


def test_a_key_behind_a_letter_with_an_accent_is_masked() -> None:
    assert Redactor().text(f"clé{KEY}") == "clé[key]"


def test_ordinary_words_stay() -> None:
    text = "task-force, sk-short, ask-me"
    assert Redactor().text(text) == text


def test_an_event_is_cleaned_in_its_text_fields_and_otherwise_left_as_it_is() -> None:
    clean = Redactor(["keyring-secret"]).event
    lost = e.ConnectionLost(reason=f"Incorrect key {KEY}", hint="not keyring-secret", retry_in=1.0)
    assert clean(lost) == e.ConnectionLost(
        reason="Incorrect key [key]", hint="not [key]", retry_in=1.0
    )
    grew = e.TranscriptGrew(item_id="i", text="task-force \ud800")
    assert clean(grew) is grew
    assert clean(opened()) == opened()
    assert clean(e.TextSubmitted(item_id=KEY, text="\ud800 keyring-secret")) == e.TextSubmitted(
        item_id=KEY, text="\ud800 [key]"
    )


@pytest.mark.parametrize("kind", e.EVENTS.values(), ids=lambda kind: kind.name)
def test_every_text_field_that_is_not_an_id_is_cleaned(kind: type[e.Event]) -> None:
    needed = [x.name for x in fields(kind) if x.default is MISSING and x.default_factory is MISSING]
    event = kind(**dict.fromkeys(needed, KEY))
    for field in fields(kind):
        if field.type in ("str", "str | None") and "id" not in field.name:
            cleaned = Redactor().event(replace(event, **{field.name: KEY}))
            assert getattr(cleaned, field.name) == "[key]", field.name


def test_a_title_typed_by_hand_is_cleaned(tmp_path: Path) -> None:
    path = write(tmp_path / "t1.jsonl", [opened()])
    catalog.rename(path, f"My {KEY}")
    assert KEY.encode() not in path.read_bytes()
    assert load(path).ledger.title == "My [key]"
