"""Random frames never crash the codec, and valid events survive a round trip.

Hypothesis makes a valid frame in about 3 ms, and the codec reads one in 10 µs. So each frame that
it makes is damaged at every place, in several ways.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import inspect

from tui_voice.realtime.wire import Unknown, WireError, decode_client, decode_server, encode
from tui_voice.realtime.wire.client import ClientEvent
from tui_voice.realtime.wire.server import KnownServerEvent

FRAMES = settings(
    max_examples=1_000 if os.environ.get("CI") == "true" else 100,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
FEWER = settings(FRAMES, max_examples=300)
CUTS = 8
"""Number of places at which random input is cut off."""

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


def damaged(frame: dict[str, Any], values: list[Any], name: str) -> Iterator[str]:
    """Yields the frame as JSON with one value replaced, removed or added, at every place of it."""
    whole = json.dumps(frame)
    for number in range(sum(1 for _ in places(frame))):
        for change in ("remove", "add", *range(len(values))):
            other = json.loads(whole)
            holder, key = next(islice(places(other), number, None))
            if change == "remove":
                del holder[key]
            elif change != "add":
                holder[key] = values[change]
            elif isinstance(holder, dict):
                holder[name] = values[0]
            else:
                holder.append(values[0])
            yield json.dumps(other)


def places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yields every value of a frame as the object or array that holds it, and its key there."""
    keys = node.keys() if isinstance(node, dict) else range(len(node))
    for key in list(keys):
        yield node, key
        if isinstance(node[key], (dict, list)):
            yield from places(node[key])


def decoded_or_refused(raw: bytes | str) -> ClientEvent | WireError:
    try:
        return decode_client(raw)
    except WireError as error:
        return error


client_frames = fitting(inspect.type_info(ClientEvent))
server_frames = fitting(inspect.type_info(KnownServerEvent))


damage = st.lists(json_values, min_size=2, max_size=2)
names = st.text(max_size=6)


@FRAMES
@given(frame=client_frames, values=damage, name=names)
def test_a_damaged_client_frame_is_decoded_or_refused(
    frame: Any, values: list[Any], name: str
) -> None:
    for raw in damaged(frame, values, name):
        event = decoded_or_refused(raw)
        if isinstance(event, WireError):
            assert event.message, raw
            assert event.code, raw
        else:
            encode(event)


@FRAMES
@given(frame=server_frames, values=damage, name=names)
def test_a_damaged_server_frame_is_decoded_or_unknown(
    frame: Any, values: list[Any], name: str
) -> None:
    for raw in damaged(frame, values, name):
        event = decode_server(raw)
        assert isinstance(event, (Unknown, KnownServerEvent)), raw
        encode(event)


@FRAMES
@given(raw=st.binary(max_size=200) | st.text(max_size=200) | json_values.map(json.dumps))
def test_any_bytes(raw: bytes | str) -> None:
    """Also where it ends early."""
    for end in {len(raw) * cut // CUTS for cut in range(CUTS + 1)}:
        piece = raw[:end]
        assert decode_server(piece) is not None, piece
        refused = decoded_or_refused(piece)
        assert isinstance(refused, WireError), piece
        assert refused.code in {
            "invalid_json",
            "invalid_event",
            "missing_required_parameter",
            "invalid_value",
        }, piece


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
