"""A talk for programs: what `sessions show --json` prints, and the JSON export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tui_voice.conversation.ledger import Ledger
from tui_voice.store.exporters.document import Document
from tui_voice.store.saved_session import SavedSession, saved_session_of


def listed(talk: SavedSession) -> dict[str, Any]:
    """A talk as `sessions list --json` has it. `usd`, `seconds`: rounded."""
    return {
        "id": talk.id,
        "title": talk.title,
        "started": talk.started,
        "seconds": talk.seconds,
        "turns": talk.turns,
        "model": talk.model,
        "backend": talk.backend,
        "usd": talk.usd,
        "path": str(talk.path),
        "parent": talk.parent,
    }


def shown(ledger: Ledger, path: Path) -> dict[str, Any]:
    """A talk with its turns and prunings, as `sessions show --json` has it."""
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


def json(page: Document) -> str:
    opened = page.ledger.opened
    whole = shown(page.ledger, Path(f"{opened.id}.jsonl" if opened else ""))
    del whole["path"]
    if page.minutes:
        whole["minutes"] = page.minutes
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"
