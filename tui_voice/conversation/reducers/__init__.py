"""Reducers: the next ledger after one event."""
