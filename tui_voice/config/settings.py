"""The settings in force, and where each came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tui_voice.config.groups import DEFAULT_KEYS, Audio, Backend, Context, Cost, Summary, Ui, specs
from tui_voice.config.secrets import api_key

DEFAULT = "default"


class Row(NamedTuple):
    key: str
    value: Any
    origin: str


@dataclass(frozen=True)
class Settings:
    """What `load` gives. `origins` holds only what is not the default."""

    backend: Backend = field(default_factory=Backend)
    audio: Audio = field(default_factory=Audio)
    context: Context = field(default_factory=Context)
    summary: Summary = field(default_factory=Summary)
    cost: Cost = field(default_factory=Cost)
    ui: Ui = field(default_factory=Ui)
    keys: Mapping[str, str] = field(default_factory=lambda: dict(DEFAULT_KEYS))
    """Action → key, for every action."""
    profiles: tuple[str, ...] = ()
    """The names the file knows."""
    profile: str | None = None
    """The one in force."""
    path: Path | None = None
    """The file, None where there is none."""
    origins: Mapping[str, str] = field(default_factory=dict)

    def origin(self, key: str) -> str:
        """Where `group.name` came from: a file, a variable, a flag, or "default"."""
        return self.origins.get(key, DEFAULT)

    def value(self, key: str) -> Any:
        """The value of `group.name`."""
        group, _, name = key.partition(".")
        held = getattr(self, group)
        return held[name] if group == "keys" else getattr(held, name)

    def rows(self) -> Iterator[Row]:
        """Every setting, in the order of the documentation."""
        for key in specs():
            yield Row(key, self.value(key), self.origin(key))

    def backend_kind(self) -> str:
        """Who answers, with `auto` decided: openai, azure, local or ws. May ask the keyring."""
        if self.backend.kind != "auto":
            return self.backend.kind
        if self.backend.url:
            return "ws"
        if api_key("openai"):
            return "openai"
        return "azure" if self.backend.azure_endpoint and api_key("azure") else "local"
