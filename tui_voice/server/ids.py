"""Names for events, items and responses: a word and 21 letters or digits, as upstream has them."""

from __future__ import annotations

import random
import string
from collections.abc import Callable

_ALPHABET = string.ascii_letters + string.digits
Ids = Callable[[str], str]
"""Takes a prefix (`item`), gives a new id (`item_` and 21 more characters: below 32 in all)."""


def random_ids(seed: int | None = None) -> Ids:
    """New ids each time; the same ones again for the same `seed`."""
    choices = random.Random(seed).choices
    return lambda prefix: f"{prefix}_{''.join(choices(_ALPHABET, k=21))}"
