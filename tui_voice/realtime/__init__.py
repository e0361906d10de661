"""The Realtime API: its wire format (`wire`), and a client for it (`client.RealtimeClient`).

`transport` is the WebSocket, `event_translator` turns wire events into conversation events and
effects into wire events, `session_update` writes the configuration, and `close_reasons` explains
why a connection ended.
"""
