"""Compares JSON with a wire type that it does not fit.

A server must report what is wrong (`first_fault`); a client must use the rest of the event
(`without_invalid_parts`). The schema is read from the types themselves (`msgspec.inspect`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import inspect

MAX_DEPTH = 64
"""Levels of objects and lists in free JSON (tool parameters and such) that are accepted."""

_KINDS: tuple[tuple[type[inspect.Type], tuple[type, ...], str], ...] = (
    (inspect.NoneType, (type(None),), "null"),
    (inspect.BoolType, (bool,), "a boolean"),
    (inspect.IntType, (int,), "an integer"),
    (inspect.FloatType, (int, float), "a number"),
    (inspect.StrType, (str,), "a string"),
    (inspect.BytesType, (str,), "base64-encoded bytes"),
    (inspect.ListType, (list,), "an array"),
    (inspect.DictType, (dict,), "an object"),
    (inspect.StructType, (dict,), "an object"),
)
_PYTHON_TYPES = {kind: types for kind, types, _ in _KINDS}


@dataclass(slots=True)
class Fault:
    """What is wrong and where. `param`: path, for example `item.content[0].text`."""

    code: str
    message: str
    param: str


def first_fault(kind: inspect.Type, value: Any, path: str = "") -> Fault | None:
    """Returns the first unknown, missing, mistyped or disallowed value; None where all fit."""
    return next(_faults(kind, value, path), None)


def _faults(kind: inspect.Type, value: Any, path: str) -> Iterator[Fault]:
    alternatives = _fitting(kind, value)
    if not alternatives:
        yield _wrong_type(kind, value, path)
    elif tagged := [a for a in alternatives if isinstance(_bare(a), inspect.StructType)]:
        struct = _pick(tagged, value, path)
        yield from [struct] if isinstance(struct, Fault) else _struct_faults(struct, value, path)
    else:
        yield from _limit_faults(alternatives[0], value, path)
        yield from _value_faults(_bare(alternatives[0]), value, path)


def _value_faults(bare: inspect.Type, value: Any, path: str) -> Iterator[Fault]:
    match bare:
        case inspect.ListType(item_type=inner):
            for index, element in enumerate(value):
                yield from _faults(inner, element, f"{path}[{index}]")
        case inspect.DictType(value_type=inner):
            for key, element in value.items():
                yield from _faults(inner, element, _join(path, key))
        case inspect.BytesType() if not _is_base64(value):
            yield Fault(
                "invalid_value",
                f"Invalid '{path}'. Expected base64-encoded bytes but got an invalid value.",
                path,
            )
        case inspect.AnyType() if _depth_exceeds(value, MAX_DEPTH):
            yield Fault("invalid_value", f"Invalid '{path}': nested too deeply.", path)


def _struct_faults(struct: inspect.StructType, value: dict[str, Any], path: str) -> Iterator[Fault]:
    fields = {field.encode_name: field for field in struct.fields}
    for key in value:
        if key not in fields and key != struct.tag_field:
            where = _join(path, key)
            yield Fault("unknown_parameter", f"Unknown parameter: '{where}'.", where)
    for name, field in fields.items():
        where = _join(path, name)
        if name in value:
            yield from _faults(field.type, value[name], where)
        elif field.required:
            yield _missing(where)


def _pick(
    tagged: list[inspect.Type], value: dict[str, Any], path: str
) -> inspect.StructType | Fault:
    """Returns the class that the tag of `value` names."""
    structs = [bare for a in tagged if isinstance(bare := _bare(a), inspect.StructType)]
    field = structs[0].tag_field
    if field is None:
        return structs[0]
    where = _join(path, field)
    if field not in value:
        return _missing(where)
    for struct in structs:
        if struct.tag == value[field]:
            return struct
    return _disallowed([s.tag for s in structs], value[field], where)


def _limit_faults(kind: inspect.Type, value: Any, path: str) -> Iterator[Fault]:
    extra = (kind.extra or {}) if isinstance(kind, inspect.Metadata) else {}
    if (allowed := extra.get("one_of")) and value not in allowed:
        yield _disallowed(allowed, value, path)
    if "low" in extra and not extra["low"] <= value <= extra["high"]:
        bound = ("minimum", extra["low"]) if value < extra["low"] else ("maximum", extra["high"])
        yield Fault(
            "invalid_value",
            f"Invalid '{path}': value out of range. Expected a {bound[0]} of {bound[1]}, "
            f"but got {value} instead.",
            path,
        )
    if "length" in extra and len(value) > extra["length"]:
        yield too_long(path, extra["length"], len(value))


def too_long(path: str, limit: int, length: int) -> Fault:
    """Returns the fault of a string with too many characters."""
    return Fault(
        "string_above_max_length",
        f"Invalid '{path}': string too long. Expected a string with maximum length {limit}, "
        f"but got a string with length {length} instead.",
        path,
    )


def without_invalid_parts(kind: inspect.Type, value: Any) -> Any:
    """Returns `value` without the parts that do not fit `kind`; `UNSET` where nothing is left.

    An invalid optional field is left out, and so is an invalid element of a list. An object with
    an invalid required field is left out as a whole.
    """
    alternatives = _fitting(kind, value)
    if not alternatives:
        return msgspec.UNSET
    structs = [bare for a in alternatives if isinstance(bare := _bare(a), inspect.StructType)]
    if structs:
        return _struct_without_invalid_parts(structs, value)
    match _bare(alternatives[0]):
        case inspect.ListType(item_type=inner):
            return [m for e in value if (m := without_invalid_parts(inner, e)) is not msgspec.UNSET]
        case inspect.DictType(value_type=inner):
            rest = {key: without_invalid_parts(inner, element) for key, element in value.items()}
            return {key: element for key, element in rest.items() if element is not msgspec.UNSET}
        case inspect.BytesType() if not _is_base64(value):
            return msgspec.UNSET
    return value


def _struct_without_invalid_parts(structs: list[inspect.StructType], value: dict[str, Any]) -> Any:
    field = structs[0].tag_field
    struct = structs[0]
    if field is not None and field in value:  # without a tag the first class is taken
        named = [s for s in structs if s.tag == value[field]]
        if not named:
            return msgspec.UNSET
        struct = named[0]
    rest = {} if field is None else {field: struct.tag}
    for each in struct.fields:
        kept = (
            without_invalid_parts(each.type, value[each.encode_name])
            if each.encode_name in value
            else None
        )
        if each.encode_name in value and kept is not msgspec.UNSET:
            rest[each.encode_name] = kept
        elif each.required:
            return msgspec.UNSET
    return rest


def _fitting(kind: inspect.Type, value: Any) -> list[inspect.Type]:
    """Returns the alternatives of `kind` that have the JSON type of `value`."""
    kinds = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    return [k for k in kinds if _fits(_bare(k), value)]


def _fits(bare: inspect.Type, value: Any) -> bool:
    if isinstance(bare, inspect.AnyType):
        return True
    if isinstance(value, bool):  # a subclass of `int` in Python
        return isinstance(bare, inspect.BoolType)
    return isinstance(value, _PYTHON_TYPES.get(type(bare), ()))


def _bare(kind: inspect.Type) -> inspect.Type:
    return kind.type if isinstance(kind, inspect.Metadata) else kind


def _name(kind: inspect.Type) -> str:
    return next(name for each, _, name in _KINDS if isinstance(_bare(kind), each))


def _wrong_type(kind: inspect.Type, value: Any, path: str) -> Fault:
    kinds = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    wanted = list(dict.fromkeys(_name(k) for k in kinds if not isinstance(k, inspect.NoneType)))
    got = next(name for _, types, name in _KINDS if type(value) in types)
    return Fault(
        "invalid_type",
        f"Invalid type for '{path}': expected {_listed(wanted, 'or')}, but got {got} instead.",
        path,
    )


def _missing(path: str) -> Fault:
    return Fault("missing_required_parameter", f"Missing required parameter: '{path}'.", path)


def _disallowed(allowed: Any, value: Any, path: str) -> Fault:
    shown = [f"'{each}'" for each in allowed]
    plural = "Supported values are:" if len(shown) > 1 else "Expected"
    given = str(value)[:80]
    return Fault(
        "invalid_value", f"Invalid value: '{given}'. {plural} {_listed(shown, 'and')}.", path
    )


def _listed(words: list[str], last: str) -> str:
    if len(words) < 3:
        return f" {last} ".join(words)
    return f"{', '.join(words[:-1])}, {last} {words[-1]}"


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _is_base64(value: str) -> bool:
    try:
        msgspec.convert(value, bytes)
    except msgspec.ValidationError:
        return False
    return True


def _depth_exceeds(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True
