"""Exports a session as JSON; the same records are printed by `sessions list` and `show --json`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tui_voice.conversation.ledger import Ledger
from tui_voice.store.exporters.document import ExportDocument
from tui_voice.store.saved_session import SavedSession, saved_session_of


def listed(session: SavedSession) -> dict[str, Any]:
    """A session as `sessions list --json` prints it. `usd` and `seconds` are rounded.

    A file that cannot be read has a `fault` in addition.
    """
    row = {
        "id": session.id,
        "title": session.title,
        "started": session.started,
        "seconds": session.seconds,
        "turns": session.turns,
        "model": session.model,
        "backend": session.backend,
        "usd": session.usd,
        "path": str(session.path),
        "parent": session.parent,
        "private": bool(session.private),
        "profile": session.profile,
    }
    return row | {"fault": session.fault} if session.fault else row


def shown(ledger: Ledger, path: Path) -> dict[str, Any]:
    """A session with its turns and compactions, as `sessions show --json` prints it."""
    return listed(saved_session_of(ledger, path)) | {
        "parent_turn": ledger.opened.parent_turn if ledger.opened else "",
        "memory": ledger.memory,
        "turn_list": [
            {
                "id": turn.id,
                "role": turn.role,
                "text": turn.text,
                "at": turn.at,
                "pruned": bool(turn.pruned_in),
                "pinned": turn.pinned,
                "interrupted": turn.interrupted,
                "heard": turn.heard_text,
                "audio_ms": turn.audio_ms,
                "tool": turn.tool,
                "note": turn.note,
                "after_silence": turn.after_silence,
            }
            for turn in ledger.turns
        ],
        "prunings": [
            {
                "at": done.at,
                "kind": done.kind,
                "stage": done.stage,
                "turns": len(done.turns),
                "tokens_before": done.tokens_before,
                "tokens_after": done.tokens_after,
                "usd": done.usd,
                "seconds": done.seconds,
                "summary": done.summary,
                "source": done.source,
            }
            for done in ledger.compactions
        ],
    }


def json(document: ExportDocument) -> str:
    """The whole session as one JSON object; `minutes` is in it only if they were written."""
    opened = document.ledger.opened
    whole = shown(document.ledger, Path(f"{opened.id}.jsonl" if opened else ""))
    del whole["path"]
    if document.minutes:
        whole["minutes"] = document.minutes
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"
