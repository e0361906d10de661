"""The errors that a client can get: code, message, and the field that was wrong.

Each function below returns the error for one case; the caller raises it.
"""

from __future__ import annotations

from tui_voice.realtime.wire.server import Error, ErrorDetail

INVALID_REQUEST = "invalid_request_error"
SERVER_ERROR = "server_error"


class RefusedError(Exception):
    """The server does not carry out a client event; the server session goes on.

    `param` is the path of the wrong field, for example `item.content[0].type`, or None.
    """

    def __init__(
        self,
        code: str | None,
        message: str,
        param: str | None = None,
        error_type: str = INVALID_REQUEST,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.error_type = error_type

    def to_event(self, event_id: str | None = None) -> Error:
        """Returns the `error` event; `event_id` is that of the refused client event."""
        return Error(
            error=ErrorDetail(
                type=self.error_type,
                code=self.code,
                message=self.message,
                param=self.param,
                event_id=event_id,
            )
        )


def invalid_value(message: str, param: str) -> RefusedError:
    return RefusedError("invalid_value", message, param)


def unsupported_value(value: object, supported: list[str], param: str) -> RefusedError:
    """The message lists the supported values."""
    listed = ", ".join(f"'{each}'" for each in supported)
    return invalid_value(f"Invalid value: '{value}'. Supported values are: {listed}.", param)


def missing_parameter(param: str) -> RefusedError:
    return RefusedError(
        "missing_required_parameter", f"Missing required parameter: '{param}'.", param
    )


def string_too_long(param: str, limit: int, length: int) -> RefusedError:
    return RefusedError(
        "string_above_max_length",
        f"Invalid '{param}': string too long. Expected a string with maximum length {limit}, "
        f"but got a string with length {length} instead.",
        param,
    )


def unknown_item(operation: str, item_id: str) -> RefusedError:
    """`operation`: `delete`, `retrieve` or `truncate`."""
    return RefusedError(
        f"item_{operation}_invalid_item_id",
        f"Error {operation[:-1]}ing item: the item with id '{item_id}' does not exist.",
        "item_id",
    )


def duplicate_item_id(item_id: str) -> RefusedError:
    return RefusedError(
        "item_create_duplicate_item_id",
        f"Error adding item: an item with id '{item_id}' already exists.",
        "item.id",
    )


def unknown_previous_item(item_id: str) -> RefusedError:
    return RefusedError(
        "item_create_invalid_previous_item_id",
        f"Error adding item: the previous item with id '{item_id}' does not exist.",
        "previous_item_id",
    )


def item_not_truncatable() -> RefusedError:
    return RefusedError(
        "unsupported_content_type",
        "Only model output audio messages can be truncated.",
        "item_id",
    )


def audio_already_shorter(audio_ms: int, audio_end_ms: int) -> RefusedError:
    return invalid_value(
        f"Audio content of {audio_ms}ms is already shorter than {audio_end_ms}ms.", "audio_end_ms"
    )


def buffer_too_short(buffered_ms: float) -> RefusedError:
    return RefusedError(
        "input_audio_buffer_commit_empty",
        "Error committing input audio buffer: buffer too small. Expected at least 100ms of "
        f"audio, but buffer only has {buffered_ms:.2f}ms of audio.",
    )


def buffer_full(limit_ms: float) -> RefusedError:
    return RefusedError(
        "input_audio_buffer_full",
        f"The input audio buffer holds its limit of {limit_ms / 60_000:.0f} minutes: commit or "
        "clear it. This audio was dropped.",
        "audio",
    )


def response_already_active(response_id: str) -> RefusedError:
    return RefusedError(
        "conversation_already_has_active_response",
        f"Conversation already has an active response in progress: {response_id}. Wait until the "
        "response is finished before creating a new one.",
    )


def too_many_responses(limit: int) -> RefusedError:
    return RefusedError(
        "rate_limit_exceeded", f"There are already {limit} responses in progress in this session."
    )


def no_active_response() -> RefusedError:
    return RefusedError(
        "response_cancel_not_active", "Cancellation failed: no active response found."
    )


def voice_already_used() -> RefusedError:
    return RefusedError(
        "cannot_update_voice",
        "Cannot update a conversation's voice if assistant audio is present.",
        "session.audio.output.voice",
    )


def conversation_full(max_items: int) -> RefusedError:
    return RefusedError(
        "conversation_full",
        f"The conversation holds its limit of {max_items} items: delete items before adding more.",
        "item",
    )
