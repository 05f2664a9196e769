"""Ponder beside its peers: the same work, in one run, taking turns."""
