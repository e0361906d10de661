"""Checks server events against the models of the `openai` package, field by field."""

from __future__ import annotations

import typing
from functools import cache
from typing import Any

from openai.types.realtime.realtime_server_event import RealtimeServerEvent
from pydantic import BaseModel

SET_BY_SERVER = {"id", "object", "expires_at"}
"""Fields that only servers set; the package types a session by what a client sends."""


@cache
def event_models() -> dict[str, type[BaseModel]]:
    """Returns the package's class of each server event, by event type."""
    union = typing.get_args(RealtimeServerEvent)[0]
    return {
        typing.get_args(model.model_fields["type"].annotation)[0]: model
        for model in typing.get_args(union)
    }


def check_event(event: dict[str, Any]) -> None:
    """Raises `AssertionError` where `event` is not what the package expects."""
    model = event_models()[event["type"]]
    parsed = model.model_validate(event, strict=True)
    _check_no_extra_fields(parsed, event, event["type"])


def _check_no_extra_fields(parsed: Any, raw: Any, path: str) -> None:
    if isinstance(parsed, BaseModel):
        extra = set(parsed.model_extra or {})
        if path in ("session.created.session", "session.updated.session"):
            extra -= SET_BY_SERVER
        assert not extra, f"{path}: the package has no {sorted(extra)}"
        for name in type(parsed).model_fields:
            if isinstance(raw, dict) and name in raw:
                _check_no_extra_fields(getattr(parsed, name), raw[name], f"{path}.{name}")
    elif isinstance(parsed, list):
        for index, (one, other) in enumerate(zip(parsed, raw, strict=True)):
            _check_no_extra_fields(one, other, f"{path}[{index}]")
