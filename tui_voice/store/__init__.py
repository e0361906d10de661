"""The disk: journals, the list of talks, search, export."""
