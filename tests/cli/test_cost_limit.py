"""`cost.limit` holds without a screen; a server of the user's own costs what the settings say."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.runtime.session_harness import settings_for, toy_server
from tui_voice.__main__ import main
from tui_voice.config import (
    AudioSettings,
    BackendSettings,
    CostSettings,
    Settings,
    paths,
)
from tui_voice.conversation import events as e
from tui_voice.errors import ExitStatus, SettingsError
from tui_voice.runtime.factories import check_cost_limit, prices_of

TEN_TOKENS = e.Usage(input_text=10, output_text=10, output_audio=10)


def write_settings(text: str) -> None:
    path = paths.config_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


async def test_say_finishes_the_reply_and_stops_with_its_own_status(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_settings('[cost]\nlimit = 0.01\n[cost.prices."toy"]\ntext_in = 1000\naudio_out = 1000\n')
    async with toy_server() as server:
        command = ["say", "--json", "--backend", server.url, "--model", "toy"]
        status = await asyncio.to_thread(main, [*command, "hello Anna", "hello again", "and more"])
    assert status == ExitStatus.COST_LIMIT == 3
    out = capsys.readouterr()
    lines = [json.loads(line) for line in out.out.splitlines()]
    turns = [line["text"] for line in lines if line.get("event") == "turn"]
    assert turns == ["hello Anna", "hello Anna"], "the reply was finished, and no turn came after"
    (reached,) = [line for line in lines if line.get("event") == "cost_limit_reached"]
    assert reached["usd"] >= reached["limit_usd"] == 0.01
    assert lines[-1]["event"] == "done"
    assert out.err.count("\n") <= 2
    assert "the limit is $0.01" in out.err


async def test_a_server_of_the_users_own_costs_nothing_unless_a_price_is_set(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with toy_server() as server:
        command = ["say", "--json", "--backend", server.url, "--model", "gpt-realtime-2.1"]
        assert await asyncio.to_thread(main, [*command, "hello Anna"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["usd"] == 0


def test_the_price_of_a_chat_server_behind_the_embedded_one() -> None:
    backend = BackendSettings(kind="local", llm_url="http://127.0.0.1:1", llm_model="mine")
    assert prices_of(Settings(backend=backend)).of_response(TEN_TOKENS) == 0
    cost = CostSettings(prices={"mine": {"text_out": 2.0}})
    usd = prices_of(Settings(backend=backend, cost=cost)).of_response(TEN_TOKENS)
    assert usd == pytest.approx(20e-6)


def test_a_limit_that_cannot_be_kept_is_refused_with_the_remedy() -> None:
    cost = CostSettings(limit=1.0)
    backend = BackendSettings(kind="openai", model="new-model")
    with pytest.raises(SettingsError) as refused:
        check_cost_limit(Settings(backend=backend, cost=cost))
    assert 'Add [cost.prices."new-model"]' in refused.value.hint
    heard = BackendSettings(kind="openai", transcription_model="new-ears")
    with pytest.raises(SettingsError, match="new-ears"):
        check_cost_limit(Settings(backend=heard, cost=cost))
    check_cost_limit(Settings(backend=heard, cost=cost, audio=AudioSettings(text_only=True)))
    check_cost_limit(Settings(backend=backend))
    check_cost_limit(settings_for("ws://127.0.0.1:1", cost=cost))
