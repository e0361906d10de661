"""The errors that end a command, each one sentence and its remedy, and the exit statuses.

A failure during a session is not an exception but an event (`conversation.events`): it is written
to the journal and shown on the screen.
"""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    """The exit status of every command. `EXIT_STATUS_MEANINGS` explains each one."""

    DONE = 0
    FAILED = 1
    WRONG_USAGE = 2
    COST_LIMIT = 3
    HUNG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143


EXIT_STATUS_MEANINGS: dict[ExitStatus, str] = {
    ExitStatus.DONE: "done",
    ExitStatus.FAILED: "failed; one line on standard error says why and what to do",
    ExitStatus.WRONG_USAGE: "wrong usage: a command, a flag, a setting or an input",
    ExitStatus.COST_LIMIT: "the session has reached `cost.limit`",
    ExitStatus.HUNG_UP: "ended by SIGHUP: the terminal was closed",
    ExitStatus.INTERRUPTED: "ended by SIGINT (Ctrl+C)",
    ExitStatus.TERMINATED: "ended by SIGTERM",
}
"""Exit status → its meaning. The README shows this table."""


class TuiVoiceError(Exception):
    """A failure. `str(error)` is the sentence, `hint` the remedy, which may be empty."""

    exit_status = ExitStatus.FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(TuiVoiceError):
    """The command line is wrong."""

    exit_status = ExitStatus.WRONG_USAGE


class SettingsError(UsageError):
    """A setting is wrong; the sentence names file, key, what was found and what is allowed."""


class CostLimitError(TuiVoiceError):
    """The session has reached `cost.limit`, and nobody is there to be asked."""

    exit_status = ExitStatus.COST_LIMIT


class EnginesMissing(TuiVoiceError):  # noqa: N818  # "Missing" already says that it is an error
    """The embedded engines are not installed, or a model file is not the one that was tested."""


class BackendError(TuiVoiceError):
    """The backend cannot be used: wrong API key, unknown model, no answer."""


class DeviceError(TuiVoiceError):
    """A sound device cannot be opened."""


class StoreError(TuiVoiceError):
    """A saved session cannot be read, written or locked."""
