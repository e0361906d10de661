"""One picture each; none remembers anything about the talk."""
