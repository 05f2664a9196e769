"""What training saw of a domain: nobody writes it down, it follows from the recipe and from the model's own past."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ponder.domains import DOMAINS
from ponder.domains.lab.family import Family
from ponder.model.hub import SHIPPED, shipped
from ponder.recipes.schema import DomainConfig, Recipe
from ponder.runs import manifests
from ponder.types import Tier


def tier_of(seen: Seen, domain: DomainConfig) -> Tier:
    """What was seen of a domain, by whatever name.

    Only of a family of the lab it is known what a domain that was not itself seen shares with one that was: it is
    deeper, or told in another language, or else the same.
    """
    for tier, known in ((Tier.TRAINED, seen.paid), (Tier.SHOWN, seen.shown)):
        if domain in known:
            return tier
        kin = [other for other in known if other.use == domain.use and is_family(other)]
        if kin:
            return _among(kin, domain, tier)
    return Tier.UNSEEN


class Seen:
    """The domains that a model has learned from."""

    def __init__(self, recipe: Recipe, known: dict[str, DomainConfig]) -> None:
        """`known`: the recipe's domains, and those of its suite."""
        self.paid = [known[name] for name in recipe.rl.domains] if recipe.rl else []
        self.paid += [known[name] for name in recipe.distil.domains] if recipe.distil else []
        self.shown = [known[name] for name in recipe.cold_start.domains] if recipe.cold_start else []
        self.shown += [known[name] for name in recipe.distil.beside] if recipe.distil else []
        self.shown += past(recipe.model.name)


def past(model: str) -> list[DomainConfig]:
    """What the model of this name had learned from before; nothing where ponder did not make it."""
    folder = shipped(model) if model in SHIPPED else Path(model)
    for place in (folder, *folder.absolute().parents[:2]):
        if folder.is_dir() and (place / manifests.NAME).is_file():
            return list(_taught(_recipe(place)))
    return []


def _recipe(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / manifests.NAME).read_text())
    except ValueError:
        return {}
    recipe = manifest.get("recipe") if isinstance(manifest, dict) else None
    return recipe if isinstance(recipe, dict) else {}


def _taught(recipe: dict[str, Any]) -> Iterator[DomainConfig]:
    domains = recipe.get("domains") or {}
    for stage in ("cold_start", "distil", "rl"):
        for name in (recipe.get(stage) or {}).get("domains") or {}:
            if name in domains:
                yield DomainConfig.model_validate(domains[name])


def is_family(domain: DomainConfig) -> bool:
    """Whether it is one of the lab's."""
    kind = DOMAINS.get(domain.use)
    return isinstance(kind, type) and issubclass(kind, Family)


def _among(kin: Iterable[DomainConfig], domain: DomainConfig, tier: Tier) -> Tier:
    same = [other for other in kin if _language(other) == _language(domain)]
    if not same:
        return Tier.TRANSLATED
    return Tier.DEEPER if _deepest(domain) > max(map(_deepest, same)) else tier


def _language(domain: DomainConfig) -> str:
    return domain.options.get("language", "en")


def _deepest(domain: DomainConfig) -> int:
    depth = domain.options.get("depth", 5)
    return depth if isinstance(depth, int) else depth[1]
