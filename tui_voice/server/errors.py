"""Every way in which a client can be told no: code, message, and the field that was wrong."""

from __future__ import annotations

from tui_voice.realtime.wire.server import Error, ErrorDetail

CLIENT_FAULT = "invalid_request_error"
OUR_FAULT = "server_error"


class RefusedError(Exception):
    """A client's event that is not obeyed; the session lives on.

    `param`: path of the wrong field, such as `item.content[0].type`, or None.
    """

    def __init__(
        self, code: str | None, message: str, param: str | None = None, kind: str = CLIENT_FAULT
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.kind = kind

    def event(self, event_id: str | None = None) -> Error:
        """The `error` event; `event_id` is that of the client's event."""
        return Error(
            error=ErrorDetail(
                type=self.kind,
                code=self.code,
                message=self.message,
                param=self.param,
                event_id=event_id,
            )
        )


def wrong_value(message: str, param: str) -> RefusedError:
    return RefusedError("invalid_value", message, param)


def not_allowed(value: object, allowed: list[str], param: str) -> RefusedError:
    """A value that is not one of those there are; the message lists them."""
    shown = ", ".join(f"'{each}'" for each in allowed)
    return wrong_value(f"Invalid value: '{value}'. Supported values are: {shown}.", param)


def missing(param: str) -> RefusedError:
    return RefusedError(
        "missing_required_parameter", f"Missing required parameter: '{param}'.", param
    )


def too_long(param: str, limit: int, length: int) -> RefusedError:
    return RefusedError(
        "string_above_max_length",
        f"Invalid '{param}': string too long. Expected a string with maximum length {limit}, "
        f"but got a string with length {length} instead.",
        param,
    )


def no_such_item(deed: str, item_id: str) -> RefusedError:
    """`deed`: `delete`, `retrieve` or `truncate`."""
    return RefusedError(
        f"item_{deed}_invalid_item_id",
        f"Error {deed[:-1]}ing item: the item with id '{item_id}' does not exist.",
        "item_id",
    )


def duplicate_item(item_id: str) -> RefusedError:
    return RefusedError(
        "item_create_duplicate_item_id",
        f"Error adding item: an item with id '{item_id}' already exists.",
        "item.id",
    )


def no_such_previous_item(item_id: str) -> RefusedError:
    return RefusedError(
        "item_create_invalid_previous_item_id",
        f"Error adding item: the previous item with id '{item_id}' does not exist.",
        "previous_item_id",
    )


def not_truncatable() -> RefusedError:
    return RefusedError(
        "unsupported_content_type",
        "Only model output audio messages can be truncated.",
        "item_id",
    )


def already_shorter(audio_ms: int, wanted_ms: int) -> RefusedError:
    return wrong_value(
        f"Audio content of {audio_ms}ms is already shorter than {wanted_ms}ms.", "audio_end_ms"
    )


def commit_empty(buffered_ms: float) -> RefusedError:
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


def already_responding(response_id: str) -> RefusedError:
    return RefusedError(
        "conversation_already_has_active_response",
        f"Conversation already has an active response in progress: {response_id}. Wait until the "
        "response is finished before creating a new one.",
    )


def too_many_responses(limit: int) -> RefusedError:
    return RefusedError(
        "rate_limit_exceeded", f"There are already {limit} responses in progress in this session."
    )


def nothing_to_cancel() -> RefusedError:
    return RefusedError(
        "response_cancel_not_active", "Cancellation failed: no active response found."
    )


def voice_is_fixed() -> RefusedError:
    return RefusedError(
        "cannot_update_voice",
        "Cannot update a conversation's voice if assistant audio is present.",
        "session.audio.output.voice",
    )


def conversation_full(limit: int) -> RefusedError:
    return RefusedError(
        "conversation_full",
        f"The conversation holds its limit of {limit}: delete items before adding more.",
        "item",
    )
