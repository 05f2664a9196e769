"""The rollouts of a run as pages on this machine: found, read, compared, while they are still being made."""
