"""Random frames never crash the codec, and valid events survive a round trip."""

from __future__ import annotations

import base64
import json
import os
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import inspect

from tui_voice.realtime.wire import Unknown, WireError, decode_client, decode_server, encode
from tui_voice.realtime.wire.client import ClientEvent
from tui_voice.realtime.wire.server import KnownServerEvent

FRAMES = settings(
    max_examples=10_000 if os.environ.get("CI") == "true" else 700,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
FEWER = settings(FRAMES, max_examples=300)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=5,
)


def fitting(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """Returns a strategy for JSON values that fit `kind`."""
    match kind:
        case inspect.StructType():
            required = {f.encode_name: fitting(f.type) for f in kind.fields if f.required}
            optional = {f.encode_name: fitting(f.type) for f in kind.fields if not f.required}
            if kind.tag_field:
                required[kind.tag_field] = st.just(kind.tag)
            return st.fixed_dictionaries(required, optional=optional)
        case inspect.Metadata(type=inner, extra=extra):
            extra = extra or {}
            if "one_of" in extra:
                return st.sampled_from(extra["one_of"])
            if "low" in extra:
                low, high = extra["low"], extra["high"]
                return (
                    st.integers(low, high)
                    if isinstance(inner, inspect.IntType)
                    else st.floats(low, high)
                )
            return st.text(max_size=20)
        case inspect.UnionType(types=types):
            return st.deferred(lambda: st.one_of([fitting(t) for t in types]))
        case inspect.ListType(item_type=inner):
            return st.lists(fitting(inner), max_size=3)
        case inspect.DictType(value_type=inner):
            return st.dictionaries(st.text(max_size=6), fitting(inner), max_size=3)
        case inspect.BytesType():
            return st.binary(max_size=30).map(lambda b: base64.b64encode(b).decode())
        case inspect.StrType():
            return st.text(max_size=12)
        case inspect.IntType():
            return st.integers(-(2**53), 2**53)
        case inspect.FloatType():
            return st.floats(allow_nan=False, allow_infinity=False)
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
    return json_values


@st.composite
def damaged(draw: st.DrawFn, good: st.SearchStrategy[Any]) -> Any:
    """Returns a valid frame in which one value was replaced, removed or added."""
    frame = draw(good)
    places = list(walk(frame))
    holder, key = draw(st.sampled_from(places))
    match draw(st.sampled_from(["replace", "remove", "add"])):
        case "replace":
            holder[key] = draw(json_values)
        case "remove":
            del holder[key]
        case _ if isinstance(holder, dict):
            holder[draw(st.text(max_size=6))] = draw(json_values)
        case _:
            holder.append(draw(json_values))
    return frame


def walk(node: Any) -> Any:
    keys = node.keys() if isinstance(node, dict) else range(len(node))
    for key in list(keys):
        yield node, key
        if isinstance(node[key], (dict, list)):
            yield from walk(node[key])


def decoded_or_refused(raw: bytes | str) -> ClientEvent | WireError:
    try:
        return decode_client(raw)
    except WireError as error:
        return error


client_frames = fitting(inspect.type_info(ClientEvent))
server_frames = fitting(inspect.type_info(KnownServerEvent))


@FRAMES
@given(frame=damaged(client_frames))
def test_a_damaged_client_frame_is_decoded_or_refused(frame: Any) -> None:
    event = decoded_or_refused(json.dumps(frame))
    if isinstance(event, WireError):
        assert event.message
        assert event.code
    else:
        encode(event)


@FRAMES
@given(frame=damaged(server_frames))
def test_a_damaged_server_frame_is_decoded_or_unknown(frame: Any) -> None:
    event = decode_server(json.dumps(frame))
    assert isinstance(event, (Unknown, KnownServerEvent))
    encode(event)


@FRAMES
@given(raw=st.binary(max_size=200) | st.text(max_size=200) | json_values.map(json.dumps))
def test_any_bytes(raw: bytes | str) -> None:
    assert decode_server(raw) is not None
    refused = decoded_or_refused(raw)
    assert isinstance(refused, WireError)
    assert refused.code in {
        "invalid_json",
        "invalid_event",
        "missing_required_parameter",
        "invalid_value",
    }


@FEWER
@given(frame=client_frames)
def test_every_valid_client_frame_survives_a_round_trip(frame: Any) -> None:
    event = decode_client(json.dumps(frame))
    assert decode_client(encode(event)) == event


@FEWER
@given(frame=server_frames)
def test_every_valid_server_frame_survives_a_round_trip(frame: Any) -> None:
    event = decode_server(json.dumps(frame))
    assert not isinstance(event, Unknown)
    assert decode_server(encode(event)) == event
    assert msgspec.json.decode(encode(event))["type"] == frame["type"]
