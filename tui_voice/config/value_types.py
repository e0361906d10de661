"""What the value of a setting may be: msgspec types, and how a value is converted to one.

    convert("4_000", Annotated[int, Meta(ge=0, le=9_999)], from_text=True)    # 4000
    allowed(Annotated[int, Meta(ge=0, le=9_999)])            # "a whole number from 0 to 9999"

Only `loading.py` and the documentation import this module, and only when there is a value to check:
importing msgspec takes about 40 ms.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from tui_voice.config.paths import user_path
from tui_voice.errors import UsageError

_ADDRESS = r"://(?:[^\s/?#:@]+@)?(?:\[[0-9A-Fa-f:.]+\]|[^\s/?#:@\[\]]+)(?::\d+)?(?:[/?#]\S*)?\Z"
"""Host, port and path of a URL. A user name may precede the host, a password may not: passwords
must not be kept in a settings file."""

Name = Annotated[str, Meta(pattern=r"\A\S+\Z", description="a name without spaces")]
NonEmptyText = Annotated[str, Meta(pattern=r"\S", description="a text that is not empty")]
LongText = Annotated[
    str, Meta(pattern=r"\S", description="a text of one or more lines that is not empty")
]
LanguageCode = Annotated[
    str,
    Meta(
        pattern=r"\A[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z",
        description='a language code such as "en"',
    ),
]
HttpAddress = Annotated[
    str,
    Meta(
        pattern=rf"\Ahttps?{_ADDRESS}",
        description="an address that begins with http:// or https://",
    ),
]
WebSocketAddress = Annotated[
    str,
    Meta(pattern=rf"\Awss?{_ADDRESS}", description="an address that begins with ws:// or wss://"),
]
KeyName = Annotated[
    str,
    Meta(
        pattern=r"\A(((ctrl|shift|alt|super)\+)*[a-z0-9_]+|\S)\Z",
        description='a key such as "space", "f2" or "ctrl+s"',
    ),
]
PriceTable = Annotated[
    Mapping[str, Mapping[str, Annotated[float, Meta(ge=0, le=1e6)]]],
    Meta(
        description="a table of models, each a table of USD per million tokens, such as "
        '"gpt-realtime-2.1" = { text_in = 4.0 }'
    ),
]
FilePath = Annotated[Path, Meta(description="the path of a file")]
Words = Annotated[
    tuple[str, ...],
    Meta(description='a list such as ["Ana Kovač", "Zagreb"]; as text, with commas'),
]
SummaryPrompt = Annotated[
    str,
    Meta(description="a text with {transcript}, and with {memory} where it is wanted"),
]
PLACES = ("transcript", "memory")
"""What a `SummaryPrompt` may have in braces."""
Allow = Literal["ask", "always", "never"]
Duration = Annotated[float, Meta(description='a time such as "90s", "10m" or "1h", 1000h at most')]
"""Seconds; written with a unit."""
LONGEST_SECONDS = 3_600_000


class PlaceError(ValueError):
    """A place of a text is wrong. The message follows the words "summary.prompt"."""


def convert(value: object, kind: Any, *, from_text: bool) -> Any:
    """Returns `value` converted to the type `kind`. Raises ValueError where it is not allowed.

    `from_text`: the value comes from the environment or a flag, where a number is text, too.
    """
    if NoneType in get_args(kind):
        if value is None or (isinstance(value, str) and value.lower() in ("", "none")):
            return None
        kind = next(one for one in get_args(kind) if one is not NoneType)
    if kind in _PARSERS:
        return _PARSERS[kind](value)
    if from_text and isinstance(value, str):
        value = _plain(value, _base(kind))
    try:
        converted = msgspec.convert(value, kind, strict=not from_text)
    except (msgspec.ValidationError, OverflowError) as error:
        raise ValueError(str(error)) from None
    if kind in (HttpAddress, WebSocketAddress):
        urlsplit(converted).port  # noqa: B018  # it raises ValueError for a port above 65 535
    return converted


def allowed(kind: Any) -> str:
    """Returns what a value may be, for a sentence: "a whole number from 0 to 100, or none"."""
    if NoneType in get_args(kind):
        return f"{allowed(next(one for one in get_args(kind) if one is not NoneType))}, or none"
    if get_origin(kind) is Literal:
        return one_of(get_args(kind))
    if kind is bool:
        return "true or false"
    limits = next(one for one in get_args(kind) if isinstance(one, Meta))
    if limits.description:
        return limits.description
    number = "a whole number" if _base(kind) is int else "a number"
    return f"{number} from {limits.ge} to {limits.le}"


def one_of(names: Iterable[str]) -> str:
    """Returns `one of a, b, c`."""
    return f"one of {', '.join(names)}"


def _base(kind: Any) -> Any:
    """Returns `int` for `Annotated[int, ...]`."""
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _plain(text: str, base: Any) -> str:
    """Returns the text with spellings that people use replaced by those that msgspec knows."""
    if base is bool:
        words = {"yes": "true", "on": "true", "no": "false", "off": "false"}
        return words.get(text.lower(), text)
    return text.strip().replace("_", "") if base in (int, float) else text


def _seconds(value: object) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh])", value if isinstance(value, str) else "")
    seconds = float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]] if found else 0.0
    if not 0 < seconds <= LONGEST_SECONDS:
        raise ValueError
    return seconds


def _path(value: object) -> Path:
    if not isinstance(value, str | Path):
        raise ValueError
    try:
        return user_path(str(value), "the path")
    except UsageError as error:
        raise ValueError(str(error)) from None


def _words(value: object) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise ValueError
    return tuple(part.strip() for part in parts if part.strip())


def _price_table(value: object) -> Mapping[str, Any]:
    """Returns the prices; as text they have the form of the file, one line for each model."""
    if isinstance(value, str):
        import tomllib

        value = {} if value.strip().lower() == "none" else tomllib.loads(value)
    try:
        prices: Mapping[str, Any] = msgspec.convert(value, PriceTable)
        return prices
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None


def _summary_prompt(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError
    found = re.findall(r"\{(\w*)\}", value)
    places = " and ".join(f"{{{name}}}" for name in PLACES)
    unknown = next((name for name in found if name not in PLACES), None)
    if unknown is not None:
        raise PlaceError(f"has the place {{{unknown}}}; the places are {places}")
    if "transcript" not in found:
        raise PlaceError("lacks {transcript}, the place for the turns that are summarised")
    return value


_PARSERS: dict[Any, Callable[[object], Any]] = {
    Duration: _seconds,
    FilePath: _path,
    PriceTable: _price_table,
    SummaryPrompt: _summary_prompt,
    Words: _words,
}
"""Types whose texts msgspec does not know."""
