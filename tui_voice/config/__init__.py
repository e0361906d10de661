"""Settings, API keys, and the folders where files are kept.

    settings = load({"context.trigger": "4000"}, profile="cheap")
    settings.context.trigger, settings.origin("context.trigger")     # 4000, "--trigger"

Importing this takes about 10 ms: msgspec, TOML, keyring and platformdirs are imported when they
are first needed.
"""

from tui_voice.config.api_keys import ApiKey
from tui_voice.config.editor import SettingsEditor
from tui_voice.config.loading import load
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
from tui_voice.config.paths import (
    cache_dir,
    config_path,
    log_path,
    sessions_dir,
    state_dir,
    user_path,
)
from tui_voice.config.settings import Settings

__all__ = [
    "DEFAULT_KEYS",
    "ApiKey",
    "AudioSettings",
    "BackendSettings",
    "ContextSettings",
    "CostSettings",
    "PrivacySettings",
    "ProfileSettings",
    "ScreenSettings",
    "Settings",
    "SettingsEditor",
    "SummarySettings",
    "cache_dir",
    "config_path",
    "load",
    "log_path",
    "sessions_dir",
    "state_dir",
    "user_path",
]
