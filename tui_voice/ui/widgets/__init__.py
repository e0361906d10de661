"""The widgets. Each draws its part of a view and keeps nothing else of the session."""
