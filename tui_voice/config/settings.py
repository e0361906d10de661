"""The settings in force, and where each one came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui_voice.config.model import (
    DEFAULT_KEYS,
    AudioSettings,
    BackendSettings,
    ContextSettings,
    CostSettings,
    PrivacySettings,
    ProfileSettings,
    ScreenSettings,
    SummarySettings,
)
from tui_voice.config.tool_servers import ToolServer

DEFAULT = "default"


@dataclass(frozen=True)
class Settings:
    """What `load` returns."""

    backend: BackendSettings = field(default_factory=BackendSettings)
    audio: AudioSettings = field(default_factory=AudioSettings)
    context: ContextSettings = field(default_factory=ContextSettings)
    summary: SummarySettings = field(default_factory=SummarySettings)
    session: ProfileSettings = field(default_factory=ProfileSettings)
    cost: CostSettings = field(default_factory=CostSettings)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    ui: ScreenSettings = field(default_factory=ScreenSettings)
    keys: Mapping[str, str] = field(default_factory=lambda: dict(DEFAULT_KEYS))
    """Action → key, for every action."""
    tools: Mapping[str, ToolServer] = field(default_factory=dict)
    """Name → server whose functions are offered to the model."""
    profiles: tuple[str, ...] = ()
    """The names of the profiles in the file."""
    profile: str | None = None
    """The profile in force. Equal to `session.profile`."""
    profile_is_explicit: bool = False
    """The user named the profile for this run: by a flag, in the environment or on the screen. It
    then also applies to sessions that are resumed, which otherwise keep theirs."""
    path: Path | None = None
    """The settings file; None where none was looked for."""
    origins: Mapping[str, str] = field(default_factory=dict)
    """`group.name` → where its value came from; settings with their default are not in it."""

    def origin(self, key: str) -> str:
        """Returns where `group.name` came from: a file, a variable, a flag, or "default"."""
        return self.origins.get(key, DEFAULT)

    def value(self, key: str) -> Any:
        """Returns the value of `group.name`."""
        group, _, name = key.partition(".")
        values = getattr(self, group)
        return values[name] if group == "keys" else getattr(values, name)
