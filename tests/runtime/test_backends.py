"""Each backend is chosen, reached and refused as its row says, and its key goes nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tui_voice.config import ApiKey, BackendSettings, Settings, SummarySettings, load
from tui_voice.errors import BackendError, SettingsError
from tui_voice.realtime.transport import ServerAddress
from tui_voice.runtime.backends import BACKENDS, backend_of, check_needs, keys_to_hide
from tui_voice.runtime.endpoints import RemoteEndpoint
from tui_voice.runtime.factories import prices_of

Keys = Callable[..., None]


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Keys:
    """`keys(OPENAI_API_KEY="sk-1")`: exactly these keys exist."""

    def set_keys(**known: str) -> None:
        monkeypatch.setattr(ApiKey, "read", lambda key, _env=None: known.get(key.variable))

    set_keys()
    return set_keys


def address_of(**backend: str) -> ServerAddress:
    settings = Settings(backend=BackendSettings(**backend))  # type: ignore[arg-type]  # all are texts
    endpoint = backend_of(settings).endpoint(settings)
    assert isinstance(endpoint, RemoteEndpoint)
    return endpoint.address


def test_openai_is_reached_at_its_own_address_or_at_another(keys: Keys) -> None:
    keys(OPENAI_API_KEY="sk-1")
    address = address_of(kind="openai")
    assert address.url == "wss://api.openai.com/v1/realtime?model=gpt-realtime-2.1"
    assert address.headers == {"Authorization": "Bearer sk-1"}
    assert "OPENAI_API_KEY" in address.key_hint
    address = address_of(kind="openai", model="m", url="wss://proxy.example/v1/realtime")
    assert address.url == "wss://proxy.example/v1/realtime?model=m"


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://res.openai.azure.com",
        "https://res.openai.azure.com/",
        "https://res.openai.azure.com/openai/v1/realtime",
    ],
)
def test_azure_is_reached_by_resource_and_deployment(keys: Keys, endpoint: str) -> None:
    keys(AZURE_OPENAI_API_KEY="k")
    address = address_of(kind="azure", azure_endpoint=endpoint, azure_deployment="voice")
    assert address.url == "wss://res.openai.azure.com/openai/v1/realtime?model=voice"
    assert address.headers == {"api-key": "k"}
    assert "AZURE_OPENAI_API_KEY" in address.key_hint


def test_any_other_server_gets_no_key(keys: Keys) -> None:
    keys(OPENAI_API_KEY="sk-1", AZURE_OPENAI_API_KEY="k")
    address = address_of(kind="ws", url="ws://127.0.0.1:1/v1/realtime", model="m")
    assert (address.url, address.headers) == ("ws://127.0.0.1:1/v1/realtime?model=m", {})
    address = address_of(kind="ws", url="ws://127.0.0.1:1/v1/realtime?model=own")
    assert address.url.endswith("?model=own")


@pytest.mark.parametrize("kind", ["openai", "azure"])
def test_without_its_key_a_backend_is_refused_with_the_remedy(keys: Keys, kind: str) -> None:
    keys()
    settings = Settings(backend=BackendSettings(kind=kind, azure_endpoint="https://a.example"))
    with pytest.raises(BackendError) as refused:
        BACKENDS[kind].endpoint(settings)
    key = BACKENDS[kind].key
    assert key is not None
    assert key.variable in refused.value.hint


def test_auto_picks_the_ready_backend_with_the_lowest_rank(keys: Keys) -> None:
    azure = Settings(backend=BackendSettings(azure_endpoint="https://a.example"))
    assert backend_of(Settings()).name == "local"
    keys(AZURE_OPENAI_API_KEY="two")
    assert backend_of(Settings()).name == "local", "a key without an address is of no use"
    assert backend_of(azure).name == "azure"
    keys(OPENAI_API_KEY="one", AZURE_OPENAI_API_KEY="two")
    assert backend_of(azure).name == "openai"
    assert backend_of(Settings(backend=BackendSettings(url="ws://x"))).name == "ws"
    assert backend_of(Settings(backend=BackendSettings(kind="local"))).name == "local"


@pytest.mark.parametrize(
    ("kind", "missing"), [("ws", "backend.url"), ("azure", "backend.azure_endpoint")]
)
def test_a_backend_without_a_setting_that_it_needs_is_refused(
    tmp_path: Path, kind: str, missing: str
) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(f'[backend]\nkind = "{kind}"\n')
    with pytest.raises(SettingsError, match=f"{missing} is not set") as refused:
        check_needs(load(env={}, path=path))
    assert str(path) in str(refused.value)


def test_only_the_keys_that_a_session_reads_are_asked_for(keys: Keys) -> None:
    keys(OPENAI_API_KEY="one", AZURE_OPENAI_API_KEY="two")
    azure = Settings(backend=BackendSettings(kind="azure", azure_endpoint="https://a.example"))
    assert keys_to_hide(Settings(backend=BackendSettings(kind="openai"))) == ["one"]
    assert keys_to_hide(azure) == ["two"]
    assert keys_to_hide(Settings(backend=BackendSettings(kind="local"))) == []
    local = Settings(backend=BackendSettings(kind="local"), summary=SummarySettings(by="model"))
    assert keys_to_hide(local) == ["one"], "the text model writes the summaries"


def test_the_embedded_server_is_free_and_other_models_have_their_price(keys: Keys) -> None:
    keys()
    local = prices_of(Settings(backend=BackendSettings(kind="local")))
    assert (local.model, local.of_transcription(60.0, 0)) == ("local", 0.0)
    openai = prices_of(Settings(backend=BackendSettings(kind="openai")))
    assert (openai.of_transcription(60.0, 0) or 0.0) > 0.0
