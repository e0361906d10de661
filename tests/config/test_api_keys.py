"""API keys are read from the environment or the keyring, and settings never hold them."""

from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest

from tui_voice.config import ApiKey, load

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


OPENAI = ApiKey(variable="OPENAI_API_KEY", keyring_user="openai")


def test_the_environment_wins_over_the_keyring(ring: MemoryKeyring) -> None:
    ring.set_password("tui-voice", "openai", "from the ring")
    assert OPENAI.read({}) == "from the ring"
    assert OPENAI.read({"OPENAI_API_KEY": " from the shell\n"}) == "from the shell"
    assert OPENAI.read({"OPENAI_API_KEY": "  "}) == "from the ring"


def test_each_key_has_its_own_user_name_in_the_keyring(ring: MemoryKeyring) -> None:
    ring.set_password("tui-voice", "azure", "two")
    assert OPENAI.read({}) is None
    assert ApiKey(variable="AZURE_OPENAI_API_KEY", keyring_user="azure").read({}) == "two"


def test_a_locked_keyring_gives_no_key(ring: MemoryKeyring) -> None:
    ring.locked = True
    assert OPENAI.read({}) is None


def test_in_environment_does_not_ask_the_keyring(ring: MemoryKeyring) -> None:
    ring.set_password("tui-voice", "openai", "from the ring")
    assert OPENAI.in_environment({"OPENAI_API_KEY": "x"})
    assert not OPENAI.in_environment({"AZURE_OPENAI_API_KEY": "x"})


def test_settings_never_hold_a_key(
    ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    del ring
    monkeypatch.setenv("OPENAI_API_KEY", "a-most-secret-key")
    assert "a-most-secret-key" not in repr(load(path=tmp_path / "none.toml"))
