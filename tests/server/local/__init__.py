"""The embedded engines, tried with real weights and real or synthetic voices."""
