"""Server events held against the `openai` package's models, field by field."""

from __future__ import annotations

import typing
from functools import cache
from typing import Any

from openai.types.realtime.realtime_server_event import RealtimeServerEvent
from pydantic import BaseModel

TOLD_BY_SERVERS = {"id", "object", "expires_at"}
"""In a session; the package types it by what a client may send."""


@cache
def models() -> dict[str, type[BaseModel]]:
    union = typing.get_args(RealtimeServerEvent)[0]
    return {
        typing.get_args(m.model_fields["type"].annotation)[0]: m for m in typing.get_args(union)
    }


def check(event: dict[str, Any]) -> None:
    """Raises `AssertionError` where `event` is not what the package says it is."""
    model = models()[event["type"]]
    read = model.model_validate(event, strict=True)
    _no_extras(read, event, event["type"])


def _no_extras(read: Any, raw: Any, path: str) -> None:
    """Every field on the wire is one that the package knows; it keeps the others as extras."""
    if isinstance(read, BaseModel):
        extra = set(read.model_extra or {})
        if path in ("session.created.session", "session.updated.session"):
            extra -= TOLD_BY_SERVERS
        assert not extra, f"{path}: the package knows no {sorted(extra)}"
        for name in type(read).model_fields:
            if isinstance(raw, dict) and name in raw:
                _no_extras(getattr(read, name), raw[name], f"{path}.{name}")
    elif isinstance(read, list):
        for index, (one, other) in enumerate(zip(read, raw, strict=True)):
            _no_extras(one, other, f"{path}[{index}]")
