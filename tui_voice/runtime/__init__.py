"""Runs a session: its event loop, its connection, its sound and its summaries; and replays one."""
