"""The run folder: manifest, metrics, rollouts, checkpoints, resume."""
