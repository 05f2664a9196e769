"""The models that ponder knows by name."""

from __future__ import annotations

from ponder.cli.screen import people, print_json, say
from ponder.model import hub


def show(*, as_json: bool) -> None:
    """List them, and whether they are here."""
    found = [_record(name) for name in (*hub.SHIPPED, *hub.KNOWN)]
    if as_json:
        return print_json({"cache": str(hub.cache_folder()), "models": found})
    console = people(as_json=False)
    for model in found:
        say(console, f"{model['name']}  {_state(model)}\n  {model['about']}; {model['licence']}")
    say(console, f"cache: {hub.cache_folder()}; any folder or hub id of a causal model will do too")


def pull(name: str, *, as_json: bool) -> None:
    """Fetch one, unless it is there."""
    console = people(as_json=as_json)
    if name in hub.KNOWN and not is_cached(name):
        say(console, f"fetching {name}: {hub.KNOWN[name].about}")
    folder = hub.pull(name)
    if as_json:
        return print_json({"name": name, "folder": str(folder)})
    say(console, f"{name} is in {folder}")


def is_cached(name: str) -> bool:
    """Whether a known model needs no fetching."""
    return (hub.cache_folder() / name / "config.json").is_file()


def _record(name: str) -> dict[str, str | bool]:
    if name in hub.SHIPPED:
        return {"name": name, "shipped": True, "cached": False, "about": hub.SHIPPED[name], "licence": "Apache-2.0"}
    model = hub.KNOWN[name]
    return {
        "name": name,
        "shipped": False,
        "cached": is_cached(name),
        "about": model.about,
        "licence": model.licence,
    }


def _state(model: dict[str, str | bool]) -> str:
    if model["shipped"]:
        return "comes with ponder"
    return "in the cache" if model["cached"] else f"not fetched; ponder models pull {model['name']}"
