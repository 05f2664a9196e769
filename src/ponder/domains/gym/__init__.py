"""Every task of reasoning-gym as a domain."""

from ponder.domains.gym.domain import Gym

__all__ = ["Gym"]
