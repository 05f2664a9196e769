"""A run folder as one page to read."""
