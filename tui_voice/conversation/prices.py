"""Prices of tokens: a dated table that the user can extend, and sums by it.

The prices are those of OpenAI's model pages of autumn 2026, checked against the price map of
litellm 1.109.1 on `PRICES_AS_OF`. Prices change, so the date is shown wherever a sum is explained.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from tui_voice.conversation.events import Usage
from tui_voice.errors import SettingsError

T = TypeVar("T")

PRICES_AS_OF = "2026-11-22"
LOCAL_MODEL = "local"
"""The embedded server's model, which is free. So is any name that begins `local-` or `local/`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Prices of one model in USD per million tokens, and the size of its window."""

    text_in: float = 0.0
    text_cached: float = 0.0
    text_out: float = 0.0
    audio_in: float = 0.0
    audio_cached: float = 0.0
    audio_out: float = 0.0
    image_in: float | None = None
    """Of an image that the model sees. None: what text costs; `image_cached` likewise."""
    image_cached: float | None = None
    cache_write: float = 1.0
    """Price of input tokens that are written to the cache, as a multiple of `text_in`."""
    window: int = 32_000
    """Tokens that the model can carry, its answer included."""
    max_output: int = 4_096
    """Tokens of one answer at most. The rest of the window is for input."""

    @property
    def usable(self) -> int:
        """Input tokens beyond which the server truncates.

        Example: 32,000 - 4,096 = 27,904. OpenAI documents 28,224 for that model.
        """
        return self.window - self.max_output

    @property
    def of_image(self) -> float:
        return self.text_in if self.image_in is None else self.image_in

    @property
    def of_cached_image(self) -> float:
        return self.text_cached if self.image_cached is None else self.image_cached


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices by model name, and prices of transcription in USD per minute of audio."""

    models: Mapping[str, Price]
    transcription: Mapping[str, float]
    as_of: str = PRICES_AS_OF

    def find(self, model: str) -> Price | None:
        """The price of a model, or of a dated version of it. None: the model is unknown."""
        return _lookup(self.models, model)


_FULL = Price(
    text_in=4,
    text_cached=0.40,
    text_out=24,
    audio_in=32,
    audio_cached=0.40,
    audio_out=64,
    image_in=5,
    image_cached=0.50,
    window=128_000,
    max_output=32_000,
)
_FIRST = replace(_FULL, text_out=16, window=32_000, max_output=4_096)
_MINI = Price(
    text_in=0.60,
    text_cached=0.06,
    text_out=2.40,
    audio_in=10,
    audio_cached=0.30,
    audio_out=20,
    image_in=0.80,
    image_cached=0.08,
    window=128_000,
    max_output=32_000,
)


def _text(inp: float, cached: float, out: float, write: float = 1.0) -> Price:
    return Price(
        text_in=inp,
        text_cached=cached,
        text_out=out,
        cache_write=write,
        window=128_000,
        max_output=16_384,
    )


PRICES = PriceTable(
    models={
        "gpt-realtime-2.1": _FULL,
        "gpt-realtime-2": _FULL,
        "gpt-realtime-2.1-mini": _MINI,
        "gpt-realtime-1.5": _FIRST,
        "gpt-realtime": _FIRST,
        "gpt-realtime-mini": replace(_MINI, window=32_000, max_output=4_096),
        # Text models, for summaries.
        "gpt-6-luna": _text(0.10, 0.01, 0.50, write=1.25),
        "gpt-5.6-luna": _text(0.20, 0.02, 1.20, write=1.25),
        "gpt-6.1-terra": _text(1, 0.05, 5, write=1.25),
        "gpt-4o-mini": _text(0.15, 0.075, 0.60),
        LOCAL_MODEL: Price(),
    },
    transcription={
        "gpt-transcribe": 0.0045,
        "gpt-live-transcribe": 0.017,
        "gpt-realtime-whisper": 0.017,
        "gpt-4o-transcribe": 0.006,
        "whisper-1": 0.006,
        "gpt-4o-mini-transcribe": 0.003,
        LOCAL_MODEL: 0.0,
    },
)


def without_prices(table: PriceTable) -> PriceTable:
    """The table with the models' windows, and with 0 for every price."""
    models = {
        name: Price(window=one.window, max_output=one.max_output)
        for name, one in table.models.items()
    }
    return replace(table, models=models, transcription=dict.fromkeys(table.transcription, 0.0))


_SNAPSHOT = re.compile(r"-(\d{4}.*|latest|preview.*)")
"""What may follow the name of a model without making it another model: mostly a date. A name with
another ending (`-nano`, `-3`) is a model of its own, whose price is unknown."""


def _lookup(table: Mapping[str, T], model: str) -> T | None:
    if model in table:
        return table[model]
    known = [
        name
        for name in table
        if model.startswith(name)
        and (_SNAPSHOT.fullmatch(model[len(name) :]) or _is_local(name, model))
    ]
    return table[max(known, key=len)] if known else None


def _is_local(name: str, model: str) -> bool:
    return name == LOCAL_MODEL and model[len(name)] in "-/:"


def price(model: str, usage: Usage, table: PriceTable = PRICES) -> float | None:
    """USD of one response. None: the price of the model is unknown."""
    found = table.find(model)
    if found is None:
        return None
    cached_text = min(usage.cached_text, usage.input_text)
    cached_audio = min(usage.cached_audio, usage.input_audio)
    cached_image = min(usage.cached_image, usage.input_image)
    fresh_text = usage.input_text - cached_text
    # The usage does not say which tokens were written to the cache. If writing costs extra, all
    # of them are counted as written, so the sum is rather too high than too low.
    return (
        fresh_text * found.text_in * found.cache_write
        + cached_text * found.text_cached
        + usage.output_text * found.text_out
        + (usage.input_audio - cached_audio) * found.audio_in
        + cached_audio * found.audio_cached
        + (usage.input_image - cached_image) * found.of_image
        + cached_image * found.of_cached_image
        + usage.output_audio * found.audio_out
    ) / 1e6


def transcription_price(
    model: str,
    seconds: float | None = None,
    tokens: int | None = None,
    table: PriceTable = PRICES,
) -> float | None:
    """USD of one transcription of so many seconds of audio, or audio tokens (10 a second).

    None: the price is unknown, or neither was given.
    """
    per_minute = _lookup(table.transcription, model)
    if seconds is None and tokens is not None:
        seconds = tokens / 10
    if per_minute is None or seconds is None:
        return None
    return per_minute * seconds / 60


_FIELDS = tuple(field.name for field in fields(Price))


def merge(table: PriceTable, overrides: Mapping[str, Any]) -> PriceTable:
    """The table with the user's own prices in it.

    `overrides`: by model name, the fields of `Price` that differ (USD per million tokens; `window`
    and `max_output` in tokens), or `{per_minute = USD}` for a transcription model. Fields that a
    new model leaves out cost nothing. Raises `SettingsError` with the model and the key.
    """
    models, transcription = dict(table.models), dict(table.transcription)
    for model, given in overrides.items():
        if not isinstance(given, Mapping):
            raise SettingsError(
                f"The price of {model} is {given!r}, which is no table of prices.",
                f'Write it as [cost.prices."{model}"] with any of: {", ".join(_FIELDS)}.',
            )
        figures = {key: _figure(model, key, value) for key, value in given.items()}
        if "per_minute" in figures:
            transcription[model] = figures.pop("per_minute")
        if figures:
            models[model] = replace(table.find(model) or Price(), **figures)
    return replace(table, models=models, transcription=transcription)


def _figure(model: str, key: str, value: object) -> Any:
    if key not in (*_FIELDS, "per_minute"):
        raise SettingsError(
            f"The price of {model} has a key {key!r}, which is not known.",
            f"Allowed: {', '.join((*_FIELDS, 'per_minute'))}.",
        )
    whole = key in ("window", "max_output")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        fits = math.isfinite(value) and value >= 0
        if fits and (not whole or value == int(value)):
            return int(value) if whole else value
    raise SettingsError(
        f"The price of {model} has {key} = {value!r}.",
        f"Give a {'whole ' if whole else ''}number of 0 or more.",
    )
