"""What a setting may be. A check reads a value from TOML, or from text (environment, flag).

Written by hand rather than with msgspec for two reasons: the refusal must say what *is* allowed,
and importing msgspec takes as long as a tenth of the time to the first paint.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit


class Check(Protocol):
    """Knows the allowed values of one setting."""

    @property
    def allowed(self) -> str:
        """What may stand there, as the end of a sentence: "a whole number from 0 to 100"."""
        ...

    def read(self, value: object, *, text: bool) -> object:
        """The setting's value. `text`: it comes as a string and may have to be converted.

        Raises ValueError where it is not allowed.
        """
        ...


class Choice:
    def __init__(self, *options: str) -> None:
        self.options = options

    @property
    def allowed(self) -> str:
        return "one of " + ", ".join(self.options)

    def read(self, value: object, *, text: bool) -> str:
        del text
        if not isinstance(value, str) or value not in self.options:
            raise ValueError
        return value


class Whole:
    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high

    @property
    def allowed(self) -> str:
        return f"a whole number from {self.low} to {self.high}"

    def read(self, value: object, *, text: bool) -> int:
        if text:
            value = int(str(value).replace("_", ""))
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError
        if not self.low <= value <= self.high:
            raise ValueError
        return value


class Number:
    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    @property
    def allowed(self) -> str:
        return f"a number from {self.low:g} to {self.high:g}"

    def read(self, value: object, *, text: bool) -> float:
        if text:
            value = float(str(value))
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError
        if not math.isfinite(value) or not self.low <= value <= self.high:
            raise ValueError
        return float(value)


class Flag:
    allowed = "true or false"

    def read(self, value: object, *, text: bool) -> bool:
        if text and isinstance(value, str):
            words = {"true": True, "1": True, "yes": True, "on": True}
            words |= {"false": False, "0": False, "no": False, "off": False}
            if value.lower() not in words:
                raise ValueError
            return words[value.lower()]
        if not isinstance(value, bool):
            raise ValueError
        return value


class Text:
    """Any text that is not empty; `pattern`, described by `allowed`, narrows it."""

    def __init__(
        self, allowed: str = "a text that is not empty", pattern: str = r"(?s).*\S.*"
    ) -> None:
        self.allowed, self.pattern = allowed, pattern

    def read(self, value: object, *, text: bool) -> str:
        del text
        if not isinstance(value, str) or not re.fullmatch(self.pattern, value):
            raise ValueError
        return value


class Url:
    """An address with a host and without a password: passwords do not belong into settings."""

    def __init__(self, *schemes: str) -> None:
        self.schemes = schemes

    @property
    def allowed(self) -> str:
        return f"an address that begins with {' or '.join(f'{s}://' for s in self.schemes)}"

    def read(self, value: object, *, text: bool) -> str:
        del text
        if not isinstance(value, str) or re.search(r"\s", value):
            raise ValueError
        parts = urlsplit(value)  # raises ValueError itself on a broken host
        if parts.scheme not in self.schemes or not parts.hostname or parts.password:
            raise ValueError
        return value


class File:
    allowed = "the path of a file"

    def read(self, value: object, *, text: bool) -> Path:
        del text
        if not isinstance(value, str | Path) or not str(value).strip():
            raise ValueError
        return Path(value).expanduser()


class Span:
    """A stretch of time, in seconds once read."""

    allowed = 'a time such as "90s", "10m" or "1h"'

    def read(self, value: object, *, text: bool) -> float:
        del text
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh])", value if isinstance(value, str) else "")
        if found is None or not float(found[1]):
            raise ValueError
        return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


class Maybe:
    """What `check` allows, or nothing: an empty text or "none"."""

    def __init__(self, check: Check) -> None:
        self.check = check

    @property
    def allowed(self) -> str:
        return f"{self.check.allowed}, or none"

    def read(self, value: object, *, text: bool) -> object:
        if value is None or (isinstance(value, str) and value.lower() in ("", "none")):
            return None
        return self.check.read(value, text=text)


class Prices:
    """Model → what is charged → USD per million tokens."""

    allowed = "a table of models, each a table of USD per million tokens"

    def read(self, value: object, *, text: bool) -> Mapping[str, Mapping[str, float]]:
        if text or not isinstance(value, Mapping):
            raise ValueError
        price = Number(0, 1e6)
        read: dict[str, dict[str, float]] = {}
        for model, rates in value.items():
            if not isinstance(rates, Mapping):
                raise ValueError
            read[model] = {name: price.read(rate, text=False) for name, rate in rates.items()}
        return read
