"""The floor under the partner's usefulness: never lower it, raise it when more is right."""

from __future__ import annotations

import pytest

from tests.server.local.partner import FORMS, SETS, scores

FLOORS = {"tuned": 1.0, "held out": 1.0, "fresh": 0.93}
"""Share of all rows that are right."""


@pytest.mark.parametrize("name", SETS)
def test_the_partner_is_as_useful_as_it_was(name: str) -> None:
    found = scores(*SETS[name])
    assert len(found) == 3 * len(FORMS) + 1
    rights, rows = (sum(column) for column in zip(*found.values(), strict=True))
    assert rights / rows >= FLOORS[name], found
