"""API keys: read from the environment or the system's keyring, never from a file of tui-voice."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

SERVICE = "tui-voice"
"""The service under which keys are stored in the keyring."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """Where the key of one service is kept; it never holds the key itself."""

    variable: str
    """Environment variable, for example `OPENAI_API_KEY`. The name must end in `_API_KEY`: the
    value of every such variable is removed from what is saved or shown."""
    keyring_user: str
    """User name in the keyring, for example `openai`."""

    def read(self, env: Mapping[str, str] | None = None) -> str | None:
        """Returns the key, None where there is none.

        Without the variable the keyring is asked, which takes 100 ms and may wait for the user to
        unlock it: do not call this before the first paint or on the session's event loop.
        """
        return self._from_environment(env) or self._from_keyring()

    def in_environment(self, env: Mapping[str, str] | None = None) -> bool:
        """Returns whether the environment has the key, without asking the keyring."""
        return self._from_environment(env) is not None

    def _from_environment(self, env: Mapping[str, str] | None) -> str | None:
        found = (os.environ if env is None else env).get(self.variable, "")
        return found.strip() or None

    def _from_keyring(self) -> str | None:
        try:
            import keyring

            found = keyring.get_password(SERVICE, self.keyring_user)
        except Exception:  # noqa: BLE001  # no keyring, not unlocked, or a backend that is missing
            return None
        return (found or "").strip() or None


def keyring_problem() -> str | None:
    """Returns why the keyring that is configured cannot be used; None where it can."""
    try:
        import keyring

        keyring.get_keyring()
    except Exception as error:  # noqa: BLE001  # a backend may raise anything
        return (str(error).splitlines() or [type(error).__name__])[0]
    return None
