"""What a function returned, as a person reads it: of `recall`, each turn that the server got."""

from __future__ import annotations

_WHO = {"user": "you", "assistant": "voice"}


def readable(output: str) -> str:
    """Returns a line for each turn that `recall` found; any other output as it is.

    Example: `Dentist, 2026-10-01, you: My dentist is called Doctor Okafor.`
    """
    found = recalled(output)
    if found is None:
        return output
    lines = []
    for hit in found:
        who = _WHO.get(str(hit.get("role")), hit.get("role"))
        lines.append(f"{hit.get('session')}, {hit.get('date')}, {who}: {hit.get('excerpt')}")
        # The turns beside it were sent, too, each begun with its role.
        lines += [f"  {key} it, {hit[key]}" for key in ("before", "after") if hit.get(key)]
    return "\n".join(lines) or "nothing found"


def recalled(output: str) -> list[dict[str, object]] | None:
    """Returns what `recall` found; None where this is the output of another function."""
    if not output.startswith("{"):
        return None
    import json  # few sessions need it, and none before the first paint

    try:
        value = json.loads(output)
    except ValueError:
        return None
    found = value.get("found") if isinstance(value, dict) else None
    if not isinstance(found, list) or not all(isinstance(hit, dict) for hit in found):
        return None
    return found
