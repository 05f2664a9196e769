"""Sources of problems, by kind: `build` makes one from what a recipe says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ponder.domains.judging import ASKED, Judging
from ponder.domains.kinds import build_from
from ponder.domains.reading import Reading
from ponder.types import Domain

DOMAINS: dict[str, Callable[..., Domain]] = ASKED | {"judging": Judging, "reading": Reading}
"""Every kind of domain; each is called as `kind(name, **options)`."""


def build(name: str, use: str, options: Mapping[str, Any]) -> Domain:
    """The domain `name` of kind `use`; raises PonderError for a kind or an option that is not there."""
    return build_from(DOMAINS, name, use, options)
