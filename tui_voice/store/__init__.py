"""Saved sessions on disk: journals, the list of sessions, search, export."""
