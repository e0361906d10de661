"""The base of all wire types: a `type` tag, optional fields, and limits that a server checks."""

from __future__ import annotations

from typing import Any, dataclass_transform

import msgspec
from msgspec import UNSET, Meta, UnsetType

__all__ = ["UNSET", "Tagged", "UnsetType", "Wire", "at_most", "between", "one_of"]


class _Meta(msgspec.StructMeta):
    """Makes every wire type frozen and its fields keyword-only, so that no class has to."""

    def __new__(
        mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **config: Any
    ) -> Any:
        return super().__new__(
            mcls, name, bases, namespace, **{"kw_only": True, "frozen": True, **config}
        )


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(msgspec.field,))
class Wire(msgspec.Struct, metaclass=_Meta, frozen=True):
    """A JSON object. A field that is `UNSET` is left out when encoded; `None` becomes null."""


class Tagged(Wire, tag_field="type", tag=""):
    """A JSON object whose field `type` names its class."""

    @property
    def type(self) -> str:
        """The value of `type` on the wire."""
        return str(self.__struct_config__.tag)


def one_of(*allowed: str | float) -> Meta:
    """Allows only these values. The limit is checked when a client's event is decoded, not when a
    server's is: a new value of a newer server must not break an older client.
    """
    return _limit(one_of=allowed)


def between(low: float, high: float) -> Meta:
    """Allows numbers from `low` to `high`, both included; checked as `one_of` is."""
    return _limit(low=low, high=high)


def at_most(length: int) -> Meta:
    """Allows strings, lists and mappings up to this length; checked as `one_of` is."""
    return _limit(length=length)


def _limit(**extra: Any) -> Meta:
    return Meta(extra=extra)
