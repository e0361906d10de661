"""Our wire types have the fields of the `openai` package's types: a change of either fails here."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec import inspect
from openai.types.realtime.realtime_client_event import RealtimeClientEvent
from openai.types.realtime.realtime_server_event import RealtimeServerEvent
from pydantic import BaseModel

from tui_voice.realtime.wire.client import ClientEvent
from tui_voice.realtime.wire.server import KnownServerEvent

TOLD_BY_SERVERS_ONLY = {"id", "object", "expires_at"}
"""The package uses the client's type for the session in `session.created`."""
EXCUSED: dict[str, set[str]] = {
    "session.created": TOLD_BY_SERVERS_ONLY,
    "session.updated": TOLD_BY_SERVERS_ONLY,
    "input_audio_buffer.dtmf_event_received": {"event_id"},  # the only event without one
}
REFERENCES = {"item_reference"}
"""The package has it only in the `…with_references` parameter, which is no model."""


def models(annotation: Any) -> list[type[BaseModel]]:
    """Returns the pydantic models inside an annotation, through unions, lists and `Annotated`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for a in typing.get_args(annotation) for m in models(a)]


def structs(kind: inspect.Type) -> list[inspect.StructType]:
    match kind:
        case inspect.StructType():
            return [kind]
        case inspect.Metadata(type=inner) | inspect.ListType(item_type=inner):
            return structs(inner)
        case inspect.UnionType(types=types):
            return [s for t in types for s in structs(t)]
    return []


def tags(model: type[BaseModel]) -> tuple[str, ...]:
    """Returns the allowed values of its `type`; () where it has none, or any value."""
    field = model.model_fields.get("type")
    if field is None:
        return ()
    found = [v for v in literals(field.annotation) if isinstance(v, str)]
    return tuple(found)


def literals(annotation: Any) -> list[Any]:
    if typing.get_origin(annotation) is typing.Literal:
        return list(typing.get_args(annotation))
    return [v for a in typing.get_args(annotation) for v in literals(a)]


def differences(
    ours: list[inspect.StructType], theirs: list[type[BaseModel]], path: str
) -> Iterator[str]:
    """Returns the field names that only one side has, at any depth."""
    for struct, partners in pairs(ours, theirs):
        here = f"{path}<{struct.tag}>" if struct.tag else path
        if not partners:
            if struct.tag not in REFERENCES:
                yield f"{here}: unknown to the package"
            continue
        our_fields = {f.encode_name: f for f in struct.fields}
        their_fields: dict[str, list[type[BaseModel]]] = {}
        for partner in partners:
            for name, field in partner.model_fields.items():
                if name != "type":
                    their_fields.setdefault(name, []).extend(models(field.annotation))
        if struct.tag_field is None and "type" in our_fields:
            our_fields = {n: f for n, f in our_fields.items() if n != "type"}
        for name in our_fields.keys() - their_fields.keys():
            yield f"{here}.{name}: not in the package"
        if len(partners) == 1 and len(tags(partners[0])) <= 1:  # its own model, not a shared one
            for name in their_fields.keys() - our_fields.keys():
                yield f"{here}.{name}: missing from ours"
        for name in our_fields.keys() & their_fields.keys():
            inner, outer = structs(our_fields[name].type), their_fields[name]
            if inner and outer:
                yield from differences(inner, outer, f"{here}.{name}")


def pairs(
    ours: list[inspect.StructType], theirs: list[type[BaseModel]]
) -> Iterator[tuple[inspect.StructType, list[type[BaseModel]]]]:
    for struct in ours:
        if struct.tag_field is None:
            yield struct, list(theirs)
        else:
            tag = str(struct.tag).removeprefix("output_")
            spelt = {str(struct.tag), tag, f"output_{tag}"}  # parts have two types
            yield struct, [t for t in theirs if spelt & set(tags(t))]


def by_tag(kind: Any) -> dict[str, inspect.StructType]:
    return {str(s.tag): s for s in structs(inspect.type_info(kind))}


def by_type(union: Any) -> dict[str, type[BaseModel]]:
    return {tags(m)[0]: m for m in models(union)}


OUR_SERVER, THEIR_SERVER = by_tag(KnownServerEvent), by_type(RealtimeServerEvent)
OUR_CLIENT, THEIR_CLIENT = by_tag(ClientEvent), by_type(RealtimeClientEvent)


def test_both_sides_know_the_same_events() -> None:
    assert OUR_SERVER.keys() == THEIR_SERVER.keys()
    assert OUR_CLIENT.keys() == THEIR_CLIENT.keys()


@pytest.mark.parametrize("name", sorted(OUR_SERVER))
def test_server_event_has_the_package_fields(name: str) -> None:
    found = list(differences([OUR_SERVER[name]], [THEIR_SERVER[name]], ""))
    excused = EXCUSED.get(name, set())
    assert [d for d in found if d.split(":")[0].rpartition(".")[2] not in excused] == []


@pytest.mark.parametrize("name", sorted(OUR_CLIENT))
def test_client_event_has_the_package_fields(name: str) -> None:
    assert list(differences([OUR_CLIENT[name]], [THEIR_CLIENT[name]], "")) == []


def test_a_difference_would_be_found() -> None:
    class Ours(msgspec.Struct):
        a: int
        b: int

    class Theirs(BaseModel):
        b: int
        c: int

    info = structs(inspect.type_info(Ours))
    assert sorted(differences(info, [Theirs], "x")) == [
        "x.a: not in the package",
        "x.c: missing from ours",
    ]
