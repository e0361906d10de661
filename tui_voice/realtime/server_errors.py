"""Errors of a server whose cause is known by their code, or by their words where it sends none."""

from __future__ import annotations

from tui_voice.conversation import events as e
from tui_voice.realtime.wire import server

NOTHING_TO_CANCEL = "response_cancel_not_active"
HARMLESS_ERRORS = frozenset(
    {
        NOTHING_TO_CANCEL,
        "input_audio_buffer_commit_empty",
        "item_create_duplicate_item_id",
        "item_truncate_invalid_item_id",
        "unsupported_content_type",
    }
)
"""Codes of errors that need no action: what we asked for had already happened."""

SPEED_REFUSED = "cannot_update_speed"
"""Code of the error: the speed cannot change while a response is in progress."""
ANOTHER_ACTIVE = "another response is in progress"
"""Words of an error without a code: our `response.create` was refused (Hugging Face)."""


def as_event(error: server.ErrorDetail) -> e.Event:
    """Returns the event that tells the conversation of an error."""
    return e.ServerErred(code=error.code or "", message=error.message)


def says_another_is_active(error: server.ErrorDetail) -> bool:
    """Returns whether the error says in words, without a code, that a response is active."""
    return not error.code and ANOTHER_ACTIVE in error.message.lower()


def no_such_item(error: server.ErrorDetail) -> bool:
    """Returns whether the error says so in words, as servers without a code for it do."""
    return "does not exist" in error.message or "not found" in error.message
