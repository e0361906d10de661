"""The filter for API keys: what it removes from texts and events, and what it leaves."""

from __future__ import annotations

import base64
import re
from dataclasses import MISSING, fields, replace
from pathlib import Path

import pytest

from tests.store.sessions_harness import opened, write
from tui_voice.conversation import events as e
from tui_voice.store import catalog
from tui_voice.store.delta_secrets import EventRedactor
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


def encoded(key: str, before: str = "", *, urlsafe: bool = False) -> str:
    code = base64.urlsafe_b64encode if urlsafe else base64.b64encode
    return code((before + key).encode()).decode()


KNOWN = "correct horse~battery?staple>>>"


@pytest.mark.parametrize("key", [KEY, KNOWN])
@pytest.mark.parametrize("before", ["", "a", "ab", "abc", "user:"])
@pytest.mark.parametrize("urlsafe", [False, True])
def test_a_key_in_base64_is_masked(key: str, before: str, urlsafe: bool) -> None:
    text = encoded(key, before, urlsafe=urlsafe)
    redactor = Redactor([KNOWN])
    assert redactor.text(f"It is {text}.") == "It is [key]."
    assert redactor.text(f"data:x{text}") == "data:[key]"  # not at a boundary of four letters
    wrapped = "\n".join(text[at : at + 20] for at in range(0, len(text), 20))
    assert redactor.text(wrapped) == "[key]"


def test_other_base64_stays() -> None:
    text = f"{encoded('a picture of a cat ' * 5)} and antidisestablishmentarianism/ness"
    assert Redactor([KNOWN]).text(text) == text


def grown(*events: e.Event) -> list[str]:
    """The deltas that are left of these events."""
    clean = EventRedactor(Redactor([KNOWN])).events
    found = [one for event in events for one in clean(event)]
    return [event.text for event in found if isinstance(event, e.TranscriptGrew)]


def grew(text: str, item: str = "i") -> e.TranscriptGrew:
    return e.TranscriptGrew(item_id=item, text=text)


@pytest.mark.parametrize("secret", [KEY, KNOWN, encoded(KEY), encoded(KNOWN)])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 16, 30])
def test_a_key_that_comes_in_deltas_is_masked(secret: str, size: int) -> None:
    text = f"Your key, as you asked: {secret}. Keep it safe, and ask as often as you like."
    deltas = grown(*(grew(text[at : at + size]) for at in range(0, len(text), size)))
    assert "".join(deltas).startswith("Your key, as you asked: ")
    assert "".join(deltas).endswith(". Keep it safe, and ask as often as you like.")
    assert "[key]" in "".join(deltas)
    assert secret[12:24] not in "".join(deltas)
    if secret in (KEY, KNOWN):
        assert "".join(deltas) == text.replace(secret, "[key]")


def test_ordinary_deltas_are_complete_and_seldom_wait() -> None:
    words = re.findall(r"\w+,? ", "Ask the task force, so as to be as sure as one can. ")
    assert grown(*map(grew, words)) == words
    text = "internationalisation and counterrevolutionaries, sk-up"
    deltas = grown(*map(grew, text), e.ConnectionLost(reason="gone"))
    assert "".join(deltas) == text


def test_what_was_kept_back_comes_when_the_reply_ends() -> None:
    long, lost = grew("an incomprehensibility"), e.ConnectionLost(reason="gone")
    done = e.ResponseDone(response_id="r", status="cancelled")
    assert grown(long, done, lost) == ["an ", "incomprehensibility"]
    assert grown(grew(f"it is {KNOWN[:-3]}"), lost) == ["it is ", "[key]"]
    whole = e.TranscriptDone(item_id="i", text="whole")
    assert grown(long, whole, lost) == ["an "]  # the whole text had it
    assert grown(long, grew(" of", "other")) == ["an ", " of"]


def test_a_title_typed_by_hand_is_cleaned(tmp_path: Path) -> None:
    path = write(tmp_path / "t1.jsonl", [opened()])
    catalog.rename(path, f"My {KEY}")
    assert KEY.encode() not in path.read_bytes()
    assert load(path).ledger.title == "My [key]"
