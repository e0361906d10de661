"""API keys: read from the environment or the system's keyring, never from a file of ours."""

from __future__ import annotations

import os
from collections.abc import Mapping

SERVICE = "tui-voice"
"""The name of our service in the keyring; the user name there is the kind of backend."""

KEY_VARIABLES = {"openai": "OPENAI_API_KEY", "azure": "AZURE_OPENAI_API_KEY"}


def api_key(kind: str, env: Mapping[str, str] | None = None) -> str | None:
    """The key for `openai` or `azure`; None for other backends, and where there is no key.

    Where the environment variable is not set, the keyring is asked. That takes 100 ms, and may
    wait for the user to unlock it: do not call this before the first paint, nor on the session's
    event loop.
    """
    if kind not in KEY_VARIABLES:
        return None
    return _from_env(kind, env) or _from_keyring(kind)


def key_in_env(kind: str, env: Mapping[str, str] | None = None) -> bool:
    """Whether the environment has the key. Does not ask the keyring."""
    return kind in KEY_VARIABLES and bool(_from_env(kind, env))


def _from_env(kind: str, env: Mapping[str, str] | None) -> str | None:
    found = (os.environ if env is None else env).get(KEY_VARIABLES[kind], "")
    return found.strip() or None


def _from_keyring(kind: str) -> str | None:
    import keyring
    from keyring.errors import KeyringError

    try:
        found = keyring.get_password(SERVICE, kind)
    except KeyringError:  # there is no keyring here, or the user did not unlock it
        return None
    return (found or "").strip() or None
