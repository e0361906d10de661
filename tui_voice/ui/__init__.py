"""The Textual application: what the screen shows, and what the keys do."""
