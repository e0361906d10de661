"""The interface between a session and any wire protocol.

`client.ProtocolClient` is the interface under `runtime.connection.Connection`. `tui_voice.realtime`
implements it for the Realtime API over a WebSocket. To add another wire protocol, write one
package that implements it, and one row of `runtime.backends` whose endpoint returns its client.
"""
