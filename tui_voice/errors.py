"""The errors a user may meet before or outside a talk: one sentence and its remedy.

During a talk a failure is a fact (`conversation.events`), journaled and shown like any other.
"""


class TuiVoiceError(Exception):
    """Something failed; `str(error)` is the sentence, `hint` the remedy (may be empty)."""

    exit_status = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(TuiVoiceError):
    """The command was called wrongly (exit status 2)."""

    exit_status = 2


class SettingsError(UsageError):
    """A setting has a value that is not allowed; names file, key, what was found, what may be."""


class EnginesMissing(TuiVoiceError):  # noqa: N818  (a state of the machine, named as one)
    """The embedded engines are not installed, or a model file is not the one we tested."""


class BackendError(TuiVoiceError):
    """No talk can be had with this backend: bad key, unknown model, nobody answers."""


class DeviceError(TuiVoiceError):
    """A sound device cannot be opened."""


class StoreError(TuiVoiceError):
    """A saved talk cannot be read, written or locked."""
