"""Keys come from the environment or the keyring and go nowhere else."""

from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest

from tui_voice.config import Backend, Settings, api_key, key_in_env, load

NAMES = ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY")


class Memory(keyring.backend.KeyringBackend):
    """A keyring for one test."""

    priority = 1

    def __init__(self, *, locked: bool = False) -> None:
        self.held: dict[tuple[str, str], str] = {}
        self.locked = locked
        super().__init__()

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise keyring.errors.KeyringLocked("not now")
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Iterator[Memory]:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    before, memory = keyring.get_keyring(), Memory()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


def test_the_environment_comes_first(ring: Memory) -> None:
    ring.set_password("tui-voice", "openai", "from the ring")
    assert api_key("openai", {}) == "from the ring"
    assert api_key("openai", {"OPENAI_API_KEY": " from the shell\n"}) == "from the shell"
    assert api_key("openai", {"OPENAI_API_KEY": "  "}) == "from the ring"


def test_each_backend_has_its_own_key_and_the_others_none(ring: Memory) -> None:
    ring.set_password("tui-voice", "openai", "one")
    ring.set_password("tui-voice", "azure", "two")
    kinds = ("openai", "azure", "local", "ws", "auto")
    assert [api_key(kind) for kind in kinds] == ["one", "two", None, None, None]


def test_a_locked_keyring_holds_no_key(ring: Memory) -> None:
    ring.locked = True
    assert api_key("openai") is None


def test_the_environment_alone_can_be_asked() -> None:
    assert key_in_env("azure", {"AZURE_OPENAI_API_KEY": "x"})
    assert not key_in_env("openai", {"AZURE_OPENAI_API_KEY": "x"})
    assert not key_in_env("local", {"": "x"})


def test_auto_follows_the_keys(ring: Memory) -> None:
    azure = Settings(backend=Backend(azure_endpoint="https://a.example"))
    assert Settings().backend_kind() == "local"
    ring.set_password("tui-voice", "azure", "two")
    assert Settings().backend_kind() == "local"  # a key without an address is of no use
    assert azure.backend_kind() == "azure"
    ring.set_password("tui-voice", "openai", "one")
    assert azure.backend_kind() == "openai"
    assert Settings(backend=Backend(url="ws://x")).backend_kind() == "ws"
    assert Settings(backend=Backend(kind="local")).backend_kind() == "local"


def test_settings_never_hold_a_key(
    ring: Memory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    del ring
    monkeypatch.setenv("OPENAI_API_KEY", "a-most-secret-key")
    assert "a-most-secret-key" not in repr(load(path=tmp_path / "none.toml"))
