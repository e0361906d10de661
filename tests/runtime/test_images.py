"""An image goes to the model, survives a lost connection and a resume, or is refused in a line."""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.images_harness import jpeg, png
from tests.runtime.scripted_server_harness import (
    Request,
    Send,
    ServerConnection,
    scripted_server,
)
from tests.runtime.session_harness import drive, running_session, settings_for, toy_server
from tui_voice.conversation import events as e
from tui_voice.conversation.images import image_tokens
from tui_voice.conversation.items import seed_items
from tui_voice.errors import UsageError
from tui_voice.runtime import attachments
from tui_voice.runtime.session_factory import SessionOptions
from tui_voice.store import images
from tui_voice.store.reading import load


async def cut(_send: Send, connection: ServerConnection, _request: Request) -> None:
    connection.transport.abort()


def sent_images(items: list[dict[str, Any]]) -> list[str]:
    parts = [part for item in items if item["type"] == "message" for part in item["content"]]
    return [part["image_url"] for part in parts if part["type"] == "input_image"]


async def test_an_image_is_sent_and_sent_again_to_a_new_server_session(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(png(640, 480))
    items: list[dict[str, Any]] = []
    async with (
        scripted_server(cut, items=items) as url,
        running_session(url, tmp_path) as harness,
    ):
        path = harness.session.path
        harness.backend.image_uri = partial(images.data_uri, path)
        harness.session.attach(photo)
        attached = await harness.event(e.ImageAttached)
        await harness.event(e.ItemPlaced, lambda placed: placed.item_id == attached.item_id)
        assert harness.snapshot.ledger.window.text == image_tokens(640, 480) + 3
        harness.session.post(e.TextSubmitted(item_id="q", text="What is this?"))
        await harness.event(e.ConnectionLost)
        await harness.event(e.ResponseDone)
        await harness.settled()
    uri = images.data_uri(path, attached.sha256)
    assert sent_images(items) == [uri, uri]
    assert "base64" not in path.read_text(encoding="utf-8")
    ledger = load(path).ledger
    [image] = [item for item in seed_items(ledger) if item.image]
    assert (image.image, image.text) == (attached.sha256, "[image: photo.png, 640 × 480 pixels]")


async def test_the_embedded_server_takes_no_images_and_the_session_says_so_once(
    tmp_path: Path,
) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(jpeg())
    async with toy_server() as server:
        told: list[str] = []

        def note(event: e.Event) -> None:
            if isinstance(event, e.Noticed):
                told.append(event.text)

        options = SessionOptions(settings=settings_for(server.url), folder=tmp_path)

        def use(session: Any) -> None:
            session.attach(photo)
            assert [turn.text for turn in session.say("hello")] == ["hello", "hello"]

        path = await drive(options, use, on_event=note)
        assert told == [
            "The image was not taken: This server's model cannot see images. Describe the image "
            "in words."
        ]
        told.clear()
        resumed = SessionOptions(settings=settings_for(server.url), folder=tmp_path, resume=path)
        await drive(resumed, lambda session: session.say("again"), on_event=note)
    assert told == [], "it is not sent a second time"
    [image] = [turn for turn in load(path).ledger.turns if turn.image]
    assert (image.words, image.note, image.wire_id) == ("failed", "not sent", None)


async def test_an_image_from_the_clipboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = tmp_path / "talk.jsonl"
    monkeypatch.setattr(attachments, "CLIPBOARD_COMMANDS", (("no-such-program",),))
    with pytest.raises(UsageError, match="none of no-such-program is installed"):
        attachments.attach(journal, None)
    monkeypatch.setattr(attachments, "CLIPBOARD_COMMANDS", ((sys.executable, "-c", ""),))
    with pytest.raises(UsageError, match="no image in the clipboard"):
        attachments.attach(journal, None)
    copied = tmp_path / "copied.png"
    copied.write_bytes(png(20, 10))
    code = f"import sys; sys.stdout.buffer.write(open({str(copied)!r}, 'rb').read())"
    monkeypatch.setattr(attachments, "CLIPBOARD_COMMANDS", ((sys.executable, "-c", code),))
    attached = await asyncio.to_thread(attachments.attach, journal, None)
    assert (attached.file, attached.width, attached.height) == ("clipboard.png", 20, 10)
    assert len(images.images(journal)) == 1
