"""The ticket that a support session ends with: its schema, its check, and one without a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import msgspec

from tui_voice.conversation import effects as x

Status = Literal["open", "solved", "unknown"]
Urgency = Literal["low", "normal", "high", "unknown"]


class Customer(msgspec.Struct, forbid_unknown_fields=True):
    """Who has the problem; "" for what was not said."""

    name: str
    contact: str


class NextStep(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be done, and by whom."""

    who: str
    what: str


class Ticket(msgspec.Struct, forbid_unknown_fields=True):
    """What a model is asked for. "" and empty lists: it was not said."""

    title: str
    customer: Customer
    product: str
    problem: str
    facts: list[str]
    tried: list[str]
    status: Status
    urgency: Urgency
    next_steps: list[NextStep]
    open_questions: list[str]


def _schema() -> Mapping[str, Any]:
    _, parts = msgspec.json.schema_components([Ticket], ref_template="#/$defs/{name}")
    root = parts.pop("Ticket")
    return {**root, "$defs": parts}


TICKET_SCHEMA = _schema()
"""JSON schema of `Ticket`. The file adds `written_by`: the model, or `WITHOUT_MODEL`."""
TICKET_PROMPT = (
    "Write a support ticket of the conversation above as one JSON object, and nothing around it. "
    "Its keys: title, customer (an object with name and contact), product, problem, facts (an "
    "array of texts), tried (an array of texts), status "
    f"({', '.join(get_args(Status))}), urgency ({', '.join(get_args(Urgency))}), next_steps (an "
    "array of objects with who and what), open_questions (an array of texts). Keep names, numbers "
    'and dates exactly as said. What was not said is "" or an empty array; invent nothing.'
)
WITHOUT_MODEL = "no model: the user's words"
_LONGEST_TITLE = 80
"""Characters."""


def ticket_fault(text: str) -> str:
    """Returns how a text differs from `TICKET_SCHEMA`, "" where it does not."""
    try:
        msgspec.json.decode(text, type=Ticket)
    except msgspec.DecodeError as error:  # also what does not follow the schema
        return f"the ticket is not as asked for: {error}"
    return ""


def finished(text: str, written_by: str) -> str:
    """Returns a checked ticket as it is kept: indented, with who wrote it."""
    ticket = msgspec.json.decode(text) | {"written_by": written_by}
    return msgspec.json.format(msgspec.json.encode(ticket), indent=2).decode() + "\n"


def without_model(turns: Sequence[x.SourceTurn]) -> str:
    """Returns a ticket of the user's own sentences. What only a model could tell stays empty."""
    said = [turn.text for turn in turns if turn.role == "user"]
    first = said[0] if said else ""
    title = first if len(first) <= _LONGEST_TITLE else f"{first[:_LONGEST_TITLE].rstrip()}…"
    ticket = Ticket(
        title=title,
        customer=Customer(name="", contact=""),
        product="",
        problem=first,
        facts=said,
        tried=[],
        status="unknown",
        urgency="unknown",
        next_steps=[],
        open_questions=[],
    )
    return finished(msgspec.json.encode(ticket).decode(), WITHOUT_MODEL)
