"""The embedded Realtime server; the engines that it runs on are in `server.local`."""
