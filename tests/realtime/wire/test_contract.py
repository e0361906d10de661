"""The metadata that our client writes into a `response.create` is what our server reads from it."""

import pytest

from tui_voice.realtime.wire.contract import MAX_VALUE_LENGTH, ResponseMetadata

SUMMARY = ResponseMetadata(
    key="memory_0001",
    purpose="summary",
    prompt_is_last_item=True,
    form="Write short bullet points.",
    layout="paragraph",
    language="German",
    focus="the wedding in Bergen",
    timeout_s=20.0,
    second_attempt=True,
)


@pytest.mark.parametrize(
    "metadata", [SUMMARY, ResponseMetadata(key="title", purpose="title"), ResponseMetadata()]
)
def test_the_server_reads_what_the_client_wrote(metadata: ResponseMetadata) -> None:
    assert ResponseMetadata.from_wire(metadata.to_wire()) == metadata


def test_fields_at_their_defaults_are_left_out() -> None:
    assert ResponseMetadata().to_wire() == {}
    assert ResponseMetadata(key="title", purpose="title").to_wire() == {
        "key": "title",
        "purpose": "title",
    }


def test_every_value_fits_into_the_metadata_of_the_api() -> None:
    wire = ResponseMetadata(focus="x" * 2000).to_wire()
    assert len(wire["focus"]) == MAX_VALUE_LENGTH


@pytest.mark.parametrize(
    "foreign",
    [
        None,
        {},
        {"topic": "classification"},
        {"purpose": "translate", "prompt_item": "first", "insist": "no"},
        {"seconds": "soon"},
        {"seconds": "-1"},
        {"seconds": "nan"},
        {"seconds": "inf"},
    ],
)
def test_metadata_of_another_client_asks_for_nothing(foreign: dict[str, str] | None) -> None:
    assert ResponseMetadata.from_wire(foreign) == ResponseMetadata()
