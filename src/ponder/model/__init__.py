"""The model: where it comes from, how it is spoken to, and what it computes."""
