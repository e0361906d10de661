"""API keys are read from the environment or the keyring, and settings never hold them."""

from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest

from tui_voice.config import BackendSettings, Settings, api_key, key_in_env, load

NAMES = ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY")


class MemoryKeyring(keyring.backend.KeyringBackend):
    """A keyring that holds its passwords in memory."""

    priority = 1

    def __init__(self, *, locked: bool = False) -> None:
        self.passwords: dict[tuple[str, str], str] = {}
        self.locked = locked
        super().__init__()

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise keyring.errors.KeyringLocked("locked")
        return self.passwords.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.passwords[service, username] = password


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryKeyring]:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    before, memory = keyring.get_keyring(), MemoryKeyring()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


def test_the_environment_wins_over_the_keyring(ring: MemoryKeyring) -> None:
    ring.set_password("tui-voice", "openai", "from the ring")
    assert api_key("openai", {}) == "from the ring"
    assert api_key("openai", {"OPENAI_API_KEY": " from the shell\n"}) == "from the shell"
    assert api_key("openai", {"OPENAI_API_KEY": "  "}) == "from the ring"


def test_openai_and_azure_have_a_key_each_and_other_backends_none(ring: MemoryKeyring) -> None:
    ring.set_password("tui-voice", "openai", "one")
    ring.set_password("tui-voice", "azure", "two")
    kinds = ("openai", "azure", "local", "ws", "auto")
    assert [api_key(kind) for kind in kinds] == ["one", "two", None, None, None]


def test_a_locked_keyring_gives_no_key(ring: MemoryKeyring) -> None:
    ring.locked = True
    assert api_key("openai") is None


def test_key_in_env_does_not_ask_the_keyring() -> None:
    assert key_in_env("azure", {"AZURE_OPENAI_API_KEY": "x"})
    assert not key_in_env("openai", {"AZURE_OPENAI_API_KEY": "x"})
    assert not key_in_env("local", {"": "x"})


def test_auto_chooses_the_backend_that_has_a_key(ring: MemoryKeyring) -> None:
    azure = Settings(backend=BackendSettings(azure_endpoint="https://a.example"))
    assert Settings().backend_kind() == "local"
    ring.set_password("tui-voice", "azure", "two")
    assert Settings().backend_kind() == "local"  # a key without an address is of no use
    assert azure.backend_kind() == "azure"
    ring.set_password("tui-voice", "openai", "one")
    assert azure.backend_kind() == "openai"
    assert Settings(backend=BackendSettings(url="ws://x")).backend_kind() == "ws"
    assert Settings(backend=BackendSettings(kind="local")).backend_kind() == "local"


def test_settings_never_hold_a_key(
    ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    del ring
    monkeypatch.setenv("OPENAI_API_KEY", "a-most-secret-key")
    assert "a-most-secret-key" not in repr(load(path=tmp_path / "none.toml"))
