"""The command line: verbs and their options; what they do is imported when they are called.

`ponder --help` answers at once because nothing heavy is imported here: the imports inside the functions below are
the one exception to the rule against them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ponder import __version__
from ponder.types import PonderError

WRONG, INTERRUPTED = 2, 130
"""Exit statuses: a user's mistake, and Ctrl-C."""
SPINS = 10_000
"""Turns that a thread waits for another one awake before it lets go of its core.

The default of GNU's OpenMP is 300,000: on a core that somebody else wants as well, every small step then waits for the
system to take turns, and a run becomes many times as slow (docs/LOG.md).
"""


class Verbs(TyperGroup):
    """Turns mistakes and Ctrl-C into one line each; a bug raises."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb that was asked for."""
        try:
            return super().invoke(ctx)
        except PonderError as mistake:
            line, status = str(mistake), WRONG
        except KeyboardInterrupt as stop:
            line, status = str(stop) or "interrupted", INTERRUPTED
        from ponder.cli.screen import visible

        typer.echo(f"ponder: {visible(line)}", err=True)
        raise typer.Exit(status)


app = typer.Typer(
    cls=Verbs,
    help="Train a language model to reason, and measure how far the reasoning carries.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
models_app = typer.Typer(help="Models that ponder knows by name.", invoke_without_command=True)
app.add_typer(models_app, name="models")

Out = Annotated[Path | None, typer.Option(help="Folder of the run; made where it is not there.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in that folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, and progress to stderr.")]
Beginnings = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Keeps what was said before training, for runs that begin alike."),
]


def run() -> None:
    """Entry point of the console script."""
    if "OMP_WAIT_POLICY" not in os.environ:  # it is read when torch is imported
        os.environ.setdefault("GOMP_SPINCOUNT", str(SPINS))
    app(prog_name="ponder")


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"ponder {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of ponder itself."""


@app.command()
def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="A TOML file.")],
    out: Out = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Overrides the recipe, e.g. rl.steps=5.")
    ] = None,
    beginnings: Beginnings = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Train a model by a recipe, and measure it before, between and after."""
    from ponder.cli.jobs import train as job

    job(recipe, out, settings or [], resume=resume, as_json=as_json, beginnings=beginnings)


@app.command()
def measure(
    target: Annotated[
        str, typer.Argument(metavar="MODEL_OR_RUN", help="A run's folder, a model, or the address of an endpoint.")
    ],
    suite: Annotated[str, typer.Option(help="Name of a shipped suite, or the path of one.")] = "transfer",
    out: Out = None,
    problems: Annotated[int | None, typer.Option(help="Problems a domain; else the suite's own number.")] = None,
    samples: Annotated[int | None, typer.Option(help="Completions of each; else the suite's own number.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Of an endpoint, e.g. model=qwen.")
    ] = None,
    beginnings: Beginnings = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Measure a model, every stage of a run, or what an endpoint serves, with a suite."""
    from ponder.cli.jobs import measure as job

    wanted = {"suite": suite, "problems": problems, "samples": samples}
    job(target, wanted, settings or [], out, resume=resume, as_json=as_json, beginnings=beginnings)


@app.command()
def ask(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A model, run, checkpoint, or the address of an endpoint.")
    ],
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What is asked; - reads standard input.")],
    budget: Annotated[int | None, typer.Option(help="Most tokens of thinking of a sample.")] = None,
    samples: Annotated[int | None, typer.Option(help="Most samples; else 32.")] = None,
    error: Annotated[
        float | None, typer.Option(help="Chance that votes agree on other than the model's commonest answer; else .05.")
    ] = None,
    spend: Annotated[int | None, typer.Option(help="Most tokens written, all samples together.")] = None,
    spec: Annotated[
        str | None, typer.Option(metavar="FILE", help="Spec that the answer is checked against, by the model itself.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of the samples; else 0.")] = None,
    think: Annotated[bool, typer.Option("--think", help="Open the thinking block for the model.")] = False,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="More, e.g. kind=number (docs/ask.md).")
    ] = None,
    thinking: Annotated[bool, typer.Option("--thinking", help="Show the thinking whole.")] = False,
    as_json: Json = False,
) -> None:
    """Answer a question with as few samples as can be trusted, and say what that took."""
    from ponder.cli.ask import ask as job

    wanted = {"budget": budget, "samples": samples, "error": error, "spend": spend, "spec": spec, "seed": seed}
    wanted |= {"think": think or None}
    raise typer.Exit(job(model, question, wanted, settings or [], whole=thinking, as_json=as_json))


@app.command()
def study(
    file: Annotated[Path, typer.Argument(metavar="STUDY", help="A TOML file: arms, seeds, numbers, claims.")],
    out: Annotated[Path | None, typer.Option(help="Folder of its runs; else runs/study-NAME.")] = None,
    workers: Annotated[int | None, typer.Option(help="Runs at a time; else one a core.")] = None,
    as_json: Json = False,
) -> None:
    """Run every arm of a study with every seed, and decide its claims; goes on where it was stopped."""
    from ponder.cli.study import study as job

    job(file, out, workers=workers, as_json=as_json)


@app.command()
def claims(
    file: Annotated[Path, typer.Argument(metavar="CLAIMS", help="A TOML file beside the studies' folders.")] = Path(
        "studies/claims.toml"
    ),
    out: Annotated[Path, typer.Option(help="Folder for claims.md and claims.html.")] = Path("docs"),
    as_json: Json = False,
) -> None:
    """Write what the project claims and what the studies' results say of it."""
    from ponder.cli.claims import claims as job

    job(file, out, as_json=as_json)


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of measured runs, two or more.")],
    html: Annotated[Path | None, typer.Option(help="File for a page of all of them.")] = None,
    as_json: Json = False,
) -> None:
    """Compare what runs measured, paired by problem: the first with each other one; --html makes a page of all."""
    from ponder.cli.compare import compare as job

    job(runs, html=html, as_json=as_json)


@app.command()
def show(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, even one that is being written.")],
    port: Annotated[int, typer.Option(help="Port on this machine; 0: any that is free.")] = 0,
    at: Annotated[
        str, typer.Option(help="Where to begin, such as 'attack=leet&mode=free': what an address says.")
    ] = "",
    text: Annotated[bool, typer.Option("--text", help="Print curves and completions here instead.")] = False,
) -> None:
    """Look at every rollout of a run, in a browser on this machine or, with --text, here."""
    if text:
        from ponder.cli.overview import show as told

        return told(run)
    from ponder.cli.show import show as job

    job(run, port=port, at=at)


@app.command()
def audit(
    verifier: Annotated[
        str, typer.Argument(metavar="VERIFIER", help="RECIPE.toml:NAME, RUN:NAME, or such as number or maths.")
    ],
    on: Annotated[str, typer.Option(help="A file of labelled answers, or a kind of domain such as lab-arithmetic.")],
    out: Out = None,
    problems: Annotated[int | None, typer.Option(help="Problems made from a domain, a language; else 400.")] = None,
    tries: Annotated[int | None, typer.Option(help="Wrong answers that each trick is tried with; else 50.")] = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Tell how far a verifier can be trusted: on labelled answers, and against tricks."""
    from ponder.cli.audit import audit as job

    job(verifier, on, out, {"problems": problems, "tries": tries}, resume=resume, as_json=as_json)


@models_app.callback()
def models(ctx: typer.Context, as_json: Json = False) -> None:
    """List the models that ponder knows by name."""
    if ctx.invoked_subcommand is None:
        from ponder.cli.models import show

        show(as_json=as_json)


@models_app.command()
def pull(
    name: Annotated[str, typer.Argument(metavar="NAME", help="One of `ponder models`.")], as_json: Json = False
) -> None:
    """Fetch a model into the cache."""
    from ponder.cli.models import pull as job

    job(name, as_json=as_json)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Look whether this machine has what ponder needs."""
    from ponder.cli.doctor import doctor as job

    job(as_json=as_json)
