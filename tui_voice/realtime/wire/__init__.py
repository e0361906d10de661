"""The events of the GA Realtime API that we use, as types, in both directions.

>>> event = decode_server(frame)          # a client reads a server: tolerant
>>> event = decode_client(frame)          # a server reads a client: strict, raises WireError
>>> await socket.send(encode(event), text=True)

The class of an event says which one it is (`match event: case ResponseDone(response=response): …`).
"""

from . import client, items, server, session, usage
from .base import UNSET, UnsetType
from .client import ClientEvent
from .codec import WireError, decode_client, decode_server, encode
from .items import ContentPart, InputItem, Item
from .server import ServerEvent, Unknown
from .session import Session, SessionUpdate

__all__ = [
    "UNSET",
    "ClientEvent",
    "ContentPart",
    "InputItem",
    "Item",
    "ServerEvent",
    "Session",
    "SessionUpdate",
    "Unknown",
    "UnsetType",
    "WireError",
    "client",
    "decode_client",
    "decode_server",
    "encode",
    "items",
    "server",
    "session",
    "usage",
]
