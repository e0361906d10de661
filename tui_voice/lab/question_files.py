"""Reads chats and questions about them: our own JSON form, and that of LoCoMo.

Our form, in one file or in two:

    {"sessions": [{"id": "trip", "started": "2026-03-01T10:00:00+00:00",
                   "turns": [{"id": "t1", "role": "user", "text": "…", "speaker": "Ann"}]}],
     "questions": [{"question": "…", "kind": "plain", "answers": ["…"], "evidence": ["t1"]}]}

`speaker`, `answers`, `evidence` and `kind` may be left out. `answers`: words of which one shows, in
any case, that an answer is right. `evidence`: ids of the turns that hold the answer.

LoCoMo is a list of objects with `conversation` and `qa`. Its data may not be shipped with a program
(CC BY-NC 4.0), so it is read where the user has it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tui_voice.conversation import events as e
from tui_voice.errors import UsageError
from tui_voice.store import codec

KINDS = ("plain", "corrected", "negated", "time", "several", "never")
"""Kinds of questions. `several`: several turns hold the answer. `never`: it was never said."""
SECONDS_PER_TURN = 20.0
"""Assumed time between two turns of an imported chat."""
LOCOMO_NOTE = "About 6.4 % of LoCoMo's own answers are wrong, so no result can be near 100 %."
_LOCOMO_KINDS = {1: "several", 2: "time", 3: "several", 4: "plain", 5: "never"}
_LOCOMO_DATE = "%I:%M %p on %d %B, %Y"


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """One turn of an imported chat."""

    id: str
    role: str
    """`user` or `assistant`."""
    text: str


@dataclass(frozen=True, slots=True)
class ChatSession:
    """One session of an imported chat."""

    id: str
    started: str
    """ISO 8601, with time zone."""
    turns: tuple[ChatTurn, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A question about saved sessions."""

    text: str
    kind: str = "plain"
    """One of `KINDS`."""
    answers: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    group: str = ""
    """The chat that it is about, where a file has several."""


@dataclass(frozen=True, slots=True)
class QuestionFile:
    """What a file holds."""

    sessions: Mapping[str, Sequence[ChatSession]]
    """By chat; one chat "" in our own form."""
    questions: tuple[Question, ...]
    note: str = ""


def read_questions(path: Path) -> QuestionFile:
    """Returns the chats and questions of a file. Raises `UsageError` with what is wrong in it."""
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise UsageError(f"{path} is no JSON: {error}.") from None
    try:
        return _locomo(data) if isinstance(data, list) else _own(data)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UsageError(
            f"{path} has not the form of a chat or of questions: {type(error).__name__} {error}.",
            "`tui-voice eval --help` shows the form.",
        ) from None


def write_sessions(sessions: Sequence[ChatSession], folder: Path) -> None:
    """Writes each session as a journal into `folder`, which is made if it is missing."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for session in sessions:
        with (folder / f"{_file_name(session.id)}.jsonl").open("wb") as file:
            file.writelines(codec.encode(event) for event in _events(session))


def _events(session: ChatSession) -> Iterator[e.Event]:
    yield e.SessionOpened(
        id=session.id, started=session.started, backend="imported", model="imported"
    )
    for number, turn in enumerate(session.turns):
        at = number * SECONDS_PER_TURN
        if turn.role == "user":
            yield e.TextSubmitted(at=at, item_id=turn.id, text=turn.text)
        else:
            yield e.TurnAdded(at=at, item_id=turn.id, role="assistant", modality="text")
            yield e.TranscriptDone(at=at, item_id=turn.id, text=turn.text)


def _file_name(session: str) -> str:
    return "".join(one if one.isalnum() or one in "-_" else "_" for one in session)


def _own(data: Mapping[str, Any]) -> QuestionFile:
    sessions = [
        ChatSession(
            str(one["id"]),
            datetime.fromisoformat(one["started"]).isoformat(),
            tuple(
                ChatTurn(str(turn["id"]), _role(turn["role"]), _spoken(turn))
                for turn in one["turns"]
            ),
        )
        for one in data.get("sessions", [])
    ]
    questions = tuple(
        Question(
            str(one["question"]),
            _kind(one.get("kind", "plain")),
            tuple(map(str, one.get("answers", ()))),
            tuple(map(str, one.get("evidence", ()))),
        )
        for one in data.get("questions", [])
    )
    return QuestionFile({"": sessions} if sessions else {}, questions)


def _role(role: str) -> str:
    if role not in ("user", "assistant"):
        raise ValueError(f"role {role!r} is neither user nor assistant")
    return role


def _kind(kind: str) -> str:
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r} is none of {', '.join(KINDS)}")
    return kind


def _spoken(turn: Mapping[str, Any]) -> str:
    speaker = turn.get("speaker")
    return f"{speaker}: {turn['text']}" if speaker else str(turn["text"])


def _locomo(samples: Sequence[Mapping[str, Any]]) -> QuestionFile:
    sessions: dict[str, list[ChatSession]] = {}
    questions: list[Question] = []
    for sample in samples:
        name, talk = str(sample["sample_id"]), sample["conversation"]
        first = talk["speaker_a"]
        sessions[name] = [
            ChatSession(
                f"{name}-{key}",
                _locomo_date(talk[f"{key}_date_time"]),
                tuple(
                    ChatTurn(
                        f"{name}:{turn['dia_id']}",
                        "user" if turn["speaker"] == first else "assistant",
                        _with_picture(turn),
                    )
                    for turn in turns
                ),
            )
            for key, turns in talk.items()
            if key.startswith("session_") and isinstance(turns, list)
        ]
        for asked in sample["qa"]:
            found = [part for text in asked.get("evidence", ()) for part in _dialogue_ids(text)]
            questions.append(
                Question(
                    str(asked["question"]),
                    _LOCOMO_KINDS.get(asked.get("category"), "plain"),
                    (str(asked["answer"]),) if "answer" in asked else (),
                    tuple(f"{name}:{part}" for part in found),
                    name,
                )
            )
    return QuestionFile(sessions, tuple(questions), LOCOMO_NOTE)


def _dialogue_ids(text: str) -> list[str]:
    """Returns the ids in a piece of evidence; a few pieces hold several: "D8:6; D9:17"."""
    return [part for part in text.replace(";", " ").replace(",", " ").split() if ":" in part]


def _with_picture(turn: Mapping[str, Any]) -> str:
    picture = turn.get("blip_caption")
    text = f"{turn['speaker']}: {turn['text']}"
    return f"{text} [picture: {picture}]" if picture else text


def _locomo_date(text: str) -> str:
    return datetime.strptime(text, _LOCOMO_DATE).replace(tzinfo=UTC).isoformat()
