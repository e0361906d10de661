"""Settings, where things are kept, and keys.

    settings = load({"context.trigger": "4000"}, profile="cheap")
    settings.context.trigger, settings.origin("context.trigger")     # 4000, "--trigger"

Importing this costs about 10 ms: it leaves TOML, keyring and platformdirs until they are needed.
"""

from tui_voice.config.groups import DEFAULT_KEYS, Audio, Backend, Context, Cost, Summary, Ui
from tui_voice.config.loading import load
from tui_voice.config.places import cache_dir, config_path, log_path, sessions_dir, state_dir
from tui_voice.config.secrets import api_key, key_in_env
from tui_voice.config.settings import Settings

__all__ = [
    "DEFAULT_KEYS",
    "Audio",
    "Backend",
    "Context",
    "Cost",
    "Settings",
    "Summary",
    "Ui",
    "api_key",
    "cache_dir",
    "config_path",
    "key_in_env",
    "load",
    "log_path",
    "sessions_dir",
    "state_dir",
]
