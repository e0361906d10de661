"""The errors that end a command: each is one sentence and its remedy.

A failure during a session is not an exception but an event (`conversation.events`): it is written
to the journal and shown on the screen.
"""


class TuiVoiceError(Exception):
    """A failure. `str(error)` is the sentence, `hint` the remedy, which may be empty."""

    exit_status = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(TuiVoiceError):
    """The command line is wrong (exit status 2)."""

    exit_status = 2


class SettingsError(UsageError):
    """A setting is wrong; the sentence names file, key, what was found and what is allowed."""


class EnginesMissing(TuiVoiceError):  # noqa: N818  # "Missing" already says that it is an error
    """The embedded engines are not installed, or a model file is not the one that was tested."""


class BackendError(TuiVoiceError):
    """The backend cannot be used: wrong API key, unknown model, no answer."""


class DeviceError(TuiVoiceError):
    """A sound device cannot be opened."""


class StoreError(TuiVoiceError):
    """A saved session cannot be read, written or locked."""
