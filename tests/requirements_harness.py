"""Skips a test where the machine lacks a program or a device; where `CI` is "true", fails it."""

from __future__ import annotations

import os

import pytest


def require(present: object, reason: str) -> None:
    """Returns if `present` is true; otherwise fails the test (`CI=true`) or skips it."""
    if present:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
