"""Answering: with the least compute that can be trusted, and telling what it took."""
