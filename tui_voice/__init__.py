"""A terminal voice client for realtime models."""
