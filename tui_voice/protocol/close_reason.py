"""Why a connection ended or could not be opened."""

from __future__ import annotations


class CloseReason(Exception):  # noqa: N818  (the end of a connection is not always an error)
    """Raised when a connection ends or cannot be opened. Its text is one sentence for the user.

    `code`: close code or HTTP status; None where no server answered. `fatal`: another attempt
    fails as well until the user changes something. `hint`: what the user can do. `cheap`: the
    attempt did not leave this machine, so it can be repeated often. `retry_after_s`: seconds that
    the server wants us to wait before the next attempt; None where it did not say. `answered`: a
    server answered, so it may be overloaded or restarting.
    """

    def __init__(
        self,
        reason: str,
        code: int | None = None,
        fatal: bool = False,
        hint: str = "",
        cheap: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.fatal = fatal
        self.hint = hint
        self.cheap = cheap
        self.retry_after_s = retry_after_s
        self.answered = code is not None
