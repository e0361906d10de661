"""The embedded Realtime server and the engines it runs on."""
