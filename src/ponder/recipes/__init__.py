"""Strict TOML to typed configuration, and what is built of it."""
