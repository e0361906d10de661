"""Prices: of a response, of a model by its name, and of the user's own table."""

import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from tui_voice.conversation.events import Usage
from tui_voice.conversation.prices import (
    PRICES,
    PRICES_AS_OF,
    Price,
    merge,
    price,
    transcription_price,
)
from tui_voice.errors import SettingsError

USAGE = Usage(
    input_text=1_000,
    input_audio=2_000,
    cached_text=640,
    cached_audio=1_280,
    output_text=100,
    output_audio=300,
)


def test_the_price_of_a_reply() -> None:
    fresh = 360 * 4 + 720 * 32
    cached = 640 * 0.4 + 1_280 * 0.4
    made = 100 * 24 + 300 * 64
    assert price("gpt-realtime-2.1", USAGE) == pytest.approx((fresh + cached + made) / 1e6)
    fresh = 360 * 0.6 + 720 * 10
    cached = 640 * 0.06 + 1_280 * 0.3
    made = 100 * 2.4 + 300 * 20
    assert price("gpt-realtime-2.1-mini", USAGE) == pytest.approx((fresh + cached + made) / 1e6)


def test_images_have_a_price_of_their_own_else_that_of_text() -> None:
    usage = Usage(input_text=100, input_image=1_000, cached_image=640)
    assert usage.input == 1_100
    full = 100 * 4 + 360 * 5 + 640 * 0.5
    assert price("gpt-realtime-2.1", usage) == pytest.approx(full / 1e6)
    mini = 100 * 0.6 + 360 * 0.8 + 640 * 0.08
    assert price("gpt-realtime-2.1-mini", usage) == pytest.approx(mini / 1e6)
    table = merge(PRICES, {"mine": {"text_in": 2, "text_cached": 1}})
    assert price("mine", usage, table) == pytest.approx((460 * 2 + 640) / 1e6)
    table = merge(table, {"mine": {"image_in": 3, "image_cached": 0}})
    assert price("mine", usage, table) == pytest.approx((100 * 2 + 360 * 3) / 1e6)


def test_some_models_charge_more_for_writing_to_the_cache() -> None:
    usage = Usage(input_text=1_000_000, cached_text=500_000, output_text=0)
    assert price("gpt-6-luna", usage) == pytest.approx(0.5 * 0.1 * 1.25 + 0.5 * 0.01)


@pytest.mark.parametrize(
    ("model", "known"),
    [
        ("gpt-realtime-2.1-2026-10-01", "gpt-realtime-2.1"),
        ("gpt-realtime-2.1-mini-2026-10-01", "gpt-realtime-2.1-mini"),
        ("gpt-realtime-2.1-latest", "gpt-realtime-2.1"),
        ("gpt-realtime-mini-2025-12-15", "gpt-realtime-mini"),
        ("gpt-realtime-2025-08-28", "gpt-realtime"),
        ("local", "local"),
        ("local-smollm2", "local"),
        ("local/anything", "local"),
    ],
)
def test_a_dated_version_costs_what_its_model_costs(model: str, known: str) -> None:
    assert PRICES.find(model) is PRICES.models[known]


@pytest.mark.parametrize(
    "model", ["", "gpt-realtime-3", "gpt-realtime-2.15", "gpt-realtime-2.1-nano", "localhost", "x"]
)
def test_an_unknown_model_has_no_price(model: str) -> None:
    assert price(model, USAGE) is None


def test_the_embedded_server_is_free() -> None:
    assert price("local", USAGE) == 0.0
    assert transcription_price("local", 60) == 0.0


def test_transcription_by_seconds_or_by_tokens() -> None:
    assert transcription_price("gpt-transcribe", 60) == pytest.approx(0.0045)
    assert transcription_price("whisper-1", tokens=1_200) == pytest.approx(0.012)
    assert transcription_price("gpt-transcribe", 30, tokens=9) == pytest.approx(0.00225)
    assert transcription_price("gpt-transcribe") is None
    assert transcription_price("nobody", 60) is None


def test_window_sizes() -> None:
    assert PRICES.models["gpt-realtime-2.1"].usable == 96_000
    assert PRICES.models["gpt-realtime"].usable <= 28_224
    assert PRICES_AS_OF == PRICES.as_of == "2026-11-22"


def test_the_prices_of_the_user_come_first() -> None:
    table = merge(
        PRICES,
        {
            "gpt-realtime-2.1": {"audio_in": 16, "per_minute": 0.01},
            "ours": {"text_in": 1.5, "window": 64_000.0},
            "our-ears": {"per_minute": 0.001},
        },
    )
    assert table.models["gpt-realtime-2.1"].audio_in == 16
    assert table.models["gpt-realtime-2.1"].audio_out == 64
    assert table.models["ours"] == Price(text_in=1.5, window=64_000)
    assert isinstance(table.models["ours"].window, int)
    assert "our-ears" not in table.models
    assert transcription_price("our-ears", 60, table=table) == 0.001
    assert price("ours", Usage(input_text=1_000_000), table) == 1.5
    assert PRICES.models["gpt-realtime-2.1"].audio_in == 32, "the table itself is untouched"


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"m": 3}, "m is 3"),
        ({"m": {"text_input": 3}}, "'text_input', which is not known"),
        ({"m": {"text_in": -1}}, "text_in = -1"),
        ({"m": {"text_in": "4"}}, "text_in = '4'"),
        ({"m": {"text_in": True}}, "text_in = True"),
        ({"m": {"text_in": float("nan")}}, "text_in = nan"),
        ({"m": {"window": 1.5}}, "window = 1.5"),
    ],
)
def test_wrong_prices_are_refused_with_model_and_key(
    overrides: dict[str, object], expected: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        merge(PRICES, overrides)
    assert expected in str(caught.value)
    assert caught.value.hint


def test_every_key_of_a_price_is_in_the_documents_with_the_price_in_force() -> None:
    document = Path("docs/settings.md").read_text(encoding="utf-8")
    block = document.split("A table of `cost.prices`")[1].split("```")[1].removeprefix("toml")
    given = tomllib.loads(block)["cost"]["prices"]
    assert set(given["gpt-realtime-2.1"]) == {field.name for field in fields(Price)}
    assert merge(PRICES, given) == PRICES
