"""Ids of events, items and responses: a prefix and 21 letters or digits, as in the Realtime API."""

from __future__ import annotations

import random
import string
from collections.abc import Callable

_ALPHABET = string.ascii_letters + string.digits
_RANDOM_CHARS = 21

IdFactory = Callable[[str], str]
"""Takes a prefix, for example `item`, and returns a new id, for example `item_` plus 21 characters:
fewer than the 32 that the API allows."""


def random_ids(seed: int | None = None) -> IdFactory:
    """Returns a factory of random ids; the same `seed` gives the same ids again."""
    choices = random.Random(seed).choices
    return lambda prefix: f"{prefix}_{''.join(choices(_ALPHABET, k=_RANDOM_CHARS))}"
