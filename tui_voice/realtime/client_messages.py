"""Builds the messages of the client that create items and out-of-band responses."""

from __future__ import annotations

from tui_voice.conversation import effects as x
from tui_voice.protocol.messages import OutOfBandRequest, ToolAnswer
from tui_voice.realtime.item_ids import ItemIds
from tui_voice.realtime.wire import UNSET, ClientEvent, UnsetType, client, items
from tui_voice.realtime.wire.contract import KEY


def create_item(effect: x.CreateItem, ids: ItemIds) -> ClientEvent:
    """Returns a `conversation.item.create` of a text or an image."""
    previous = effect.previous_item_id
    return client.ConversationItemCreate(
        event_id=f"create:{effect.item_id}",
        item=text_item(effect.role, effect.text, ids.shortened(effect.item_id), effect.image),
        previous_item_id=UNSET if previous is None else ids.to_wire(previous),
    )


def tool_output(answer: ToolAnswer, ids: ItemIds) -> ClientEvent:
    """Returns a `conversation.item.create` of what a function returned."""
    return client.ConversationItemCreate(
        event_id=f"create:{answer.item_id}",
        item=items.FunctionCallOutput(
            id=ids.shortened(answer.item_id),
            call_id=answer.call_id,
            output=answer.output,
        ),
    )


def out_of_band(request: OutOfBandRequest) -> ClientEvent:
    """Returns a `response.create` outside the conversation, for text alone."""
    source: list[items.InputItem] = [text_item(role, text) for role, text in request.turns]
    return client.ResponseCreate(
        event_id=f"out_of_band:{request.key}",
        response=client.ResponseParams(
            conversation="none",
            output_modalities=["text"],
            tools=[],
            metadata={**request.metadata, KEY: request.key},
            input=[*source, text_item("user", request.prompt)],
        ),
    )


def text_item(
    role: str, text: str, item_id: str | UnsetType = UNSET, image: str = ""
) -> items.Message:
    """Returns a text item; a role other than `user` and `assistant` becomes `system`.

    `image`: a data URI, which the item holds in place of the text.
    """
    if image:
        content = items.InputImage(image_url=image)
        return items.Message(id=item_id, role="user", content=[content])
    part = items.OutputText if role == "assistant" else items.InputText
    role = role if role in ("user", "assistant") else "system"
    return items.Message(id=item_id, role=role, content=[part(text=text)])
