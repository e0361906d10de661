"""Skips a test where the machine lacks a program or a device; where `CI` is "true", fails it."""

from __future__ import annotations

import os
from importlib.util import find_spec

import pytest


def require(present: object, reason: str) -> None:
    """Returns if `present` is true; otherwise fails the test (`CI=true`) or skips it."""
    if present:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason, allow_module_level=True)


def require_package(name: str) -> None:
    """Calls `require` for a package of an extra, by its import name."""
    require(find_spec(name) is not None, f"{name} is not installed (uv sync --all-extras)")
