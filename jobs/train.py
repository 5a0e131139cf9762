"""`backcourt train`: models of the committed rows before a date, each saved with its card."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from jobs import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobs.training import TrainedFor


def train(
    models: options.Models = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Train on the rows before this date; by default today's.")
    ] = None,
    monthly_from: Annotated[
        str | None,
        typer.Option("--monthly-from", help="Walk forward: a model for the first of each month from here to --until."),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Which training, where the pipeline has several.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Train and show the figures, but write nothing.")] = False,
    as_of: options.AsOf = None,
    as_json: options.Json = False,
    config: options.Config = None,
) -> None:
    """Train, save the model and its card, show the card's figures."""
    from backcourt.errors import UsageError
    from backcourt.exports.whole_files import WholeFiles
    from jobs.ground import ground_of, new_run_id
    from jobs.options import parse_date
    from jobs.session import open_session
    from jobs.settings import run_settings
    from jobs.stopping import StopSignals
    from jobs.training import find_training, train_models, training_dates
    from ray_tasks.prepare import read_calendar, read_ledger

    settings = run_settings(config, as_of=as_of, models=models)
    if not settings.models:
        raise UsageError("No folder of models was given.", "Give --models FOLDER, or set BACKCOURT_MODELS.")
    first = None if monthly_from is None else parse_date(monthly_from, "--monthly-from")
    last = None if until is None else parse_date(until, "--until")
    folder = WholeFiles(settings.models, "--models")
    with open_session(settings) as session:
        stop = StopSignals()
        training = find_training(session.pipeline, name)
        ground = ground_of(session, new_run_id(session, "train"))
        calendar = read_calendar(ground)
        dates = training_dates(calendar, last or session.as_of, first)
        ledger = read_ledger(ground, calendar.dates[0], calendar.dates[-1])
        to = None if dry_run else folder
        done = train_models(ground, training, calendar, ledger, dates, to, lambda: bool(stop.exit_code))
    _show(done, "" if dry_run else settings.models, as_json=as_json)
    raise typer.Exit(stop.exit_code or max((each.exit_code for each in done), default=0))


def _show(done: "Sequence[TrainedFor]", folder: str, *, as_json: bool) -> None:
    from jobs.console import console

    if as_json:
        told = [
            {"until": str(each.until), "card": dict(each.model.card) if each.model else None, "reason": each.reason}
            for each in done
        ]
        typer.echo(json.dumps(told, indent=2))
        return
    out = console()
    for each in done:
        if each.model is None:
            out.print(f"{each.until}: no model. {each.reason}", markup=False)
            continue
        out.print(f"{each.until}: {each.model.name}{f', saved to {folder}' if folder else ''}", markup=False)
        for name, figure in each.model.metrics.items():
            out.print(f"  {name.replace('_', ' ')}: {figure:g}", markup=False)
