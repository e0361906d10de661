"""The Realtime protocol: its wire format, and our end of it as a client."""
