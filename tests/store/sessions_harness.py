"""Scripted sessions of any length, as events and as journals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tui_voice.conversation import events as e
from tui_voice.store import codec

STARTED = "2026-04-01T12:00:00+09:00"


def opened(session_id: str = "t1", **fields: str) -> e.SessionOpened:
    """The first event of a session; `fields` replace its defaults."""
    known = {"started": STARTED, "backend": "local", "model": "smollm2"} | fields
    return e.SessionOpened(id=session_id, **known)  # type: ignore[arg-type]  # text fields only


def exchange(n: int, at: float, question: str = "", answer: str = "") -> Iterator[e.Event]:
    """The n-th spoken question and its answer, as a server reports them; 8 seconds long."""
    user, voice, response = f"item_u{n}", f"item_a{n}", f"resp_{n}"
    question = question or f"What shall we see on day {n}?"
    answer = answer or f"On day {n} the garden of the {n}th temple, early in the morning."
    yield e.SpeechStarted(at=at, item_id=user)
    yield e.SpeechGrew(at=at + 1, item_id=user, audio_ms=1000)
    yield e.SpeechStopped(at=at + 2, item_id=user, audio_ms=2000)
    yield e.SpeechCommitted(
        at=at + 2, item_id=user, previous_item_id=f"item_a{n - 1}" if n else None, audio_ms=2000
    )
    yield e.ResponseStarted(at=at + 2.1, response_id=response)
    yield e.TurnAdded(at=at + 2.1, item_id=voice, role="assistant", previous_item_id=user)
    yield e.AudioReceived(at=at + 2.3, item_id=voice, response_id=response, audio_ms=200)
    yield e.TranscriptDone(at=at + 2.4, item_id=user, text=question, usd=0.0001)
    words = answer.split(" ")
    for k, word in enumerate(words):
        yield e.TranscriptGrew(
            at=at + 2.5 + k / 1000, item_id=voice, text=f" {word}" if k else word
        )
    yield e.AudioReceived(at=at + 4, item_id=voice, response_id=response, audio_ms=4000)
    yield e.TranscriptDone(at=at + 4, item_id=voice, text=answer)
    usage = e.Usage(input_text=200 + n, input_audio=20, output_text=20, output_audio=80)
    yield e.ResponseDone(at=at + 4.1, response_id=response, usage=usage, usd=0.001)
    yield e.PlaybackFinished(at=at + 7, item_id=voice, played_ms=4000)


def session(exchanges: int, session_id: str = "t1") -> Iterator[e.Event]:
    """The events of a whole session with so many exchanges."""
    yield opened(session_id)
    yield e.ConnectionOpened(at=0.5, model="smollm2")
    for n in range(exchanges):
        yield from exchange(n, 1.0 + 8 * n)


def write(path: Path, events: Iterable[e.Event]) -> Path:
    """Writes the events as a journal and returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(map(codec.encode, events)))
    return path


def append(path: Path, *events: e.Event) -> None:
    """Appends events to a journal, as another program would that takes no lock."""
    with path.open("ab") as file:
        file.writelines(map(codec.encode, events))
