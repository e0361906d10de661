"""Attached images: which are taken, where they are kept, and that they go with their session."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.images_harness import jpeg, png
from tests.store.sessions_harness import exchange, opened, write
from tui_voice.conversation.images import image_tokens
from tui_voice.errors import UsageError
from tui_voice.store import catalog, images
from tui_voice.store.reading import load


@pytest.mark.parametrize(
    ("data", "suffix"), [(png(640, 480), ".png"), (jpeg(640, 480), ".jpg")], ids=["png", "jpeg"]
)
def test_the_size_is_read_from_the_header(data: bytes, suffix: str) -> None:
    found = images.image_of("photo", data)
    assert (found.suffix, found.width, found.height) == (suffix, 640, 480)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"GIF89a" + bytes(20), "neither a PNG nor a JPEG"),
        (b"", "neither a PNG nor a JPEG"),
        (png()[:18], "damaged"),
        (jpeg()[:20], "damaged"),
        (b"\xff\xd8\xff\xe0\x00\x00\x00", "damaged"),
        (png() + bytes(images.MAX_BYTES), "too large: an image may have 5,242,880 bytes"),
    ],
)
def test_what_is_no_image_for_the_model_is_refused_in_one_sentence(
    tmp_path: Path, data: bytes, why: str
) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=why) as refused:
        images.read_image(path)
    assert "\n" not in str(refused.value)
    with pytest.raises(UsageError, match="cannot be read"):
        images.read_image(tmp_path / "nothing.png")


def test_an_image_is_private_and_found_by_its_hash(tmp_path: Path) -> None:
    journal, image = tmp_path / "talk.jsonl", images.image_of("photo", jpeg())
    images.save(journal, image)
    images.save(journal, image)
    [path] = images.images(journal)
    assert path.stat().st_mode & 0o777 == 0o600
    uri = images.data_uri(journal, image.sha256)
    assert uri is not None
    assert uri.startswith("data:image/jpeg;base64,/9j/")
    path.write_bytes(b"changed")
    assert images.data_uri(journal, image.sha256) is None
    path.unlink()
    assert images.data_uri(journal, image.sha256) is None


def test_images_are_copied_by_a_fork_and_deleted_with_their_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "2026-01-a.jsonl", [opened(), *exchange(1, at=1.0)])
    image = images.image_of("photo", png())
    images.save(path, image)
    fork = catalog.fork(path, load(path).ledger.turns.last.id)
    assert images.data_uri(fork, image.sha256) == images.data_uri(path, image.sha256)
    monkeypatch.setattr("send2trash.send2trash", Path.unlink)
    catalog.delete(path)
    assert images.images(path) == []
    assert len(images.images(fork)) == 1


@pytest.mark.parametrize(
    ("size", "tokens"),
    [((1, 1), 255), ((512, 512), 255), ((1_024, 1_024), 765), ((8_000, 2_000), 765), ((0, 0), 255)],
)
def test_tokens_by_tiles(size: tuple[int, int], tokens: int) -> None:
    assert image_tokens(*size) == tokens
