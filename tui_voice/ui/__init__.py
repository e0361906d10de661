"""What the eyes see and the keys do."""
