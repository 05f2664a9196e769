"""Train a language model to reason, and measure how far the reasoning carries."""

__version__ = "0.1.0"
