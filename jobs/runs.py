"""`backcourt runs`: the backfills of a cluster, and following one of them."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs import options
from jobs.submit import Context, Logs, Namespace

if TYPE_CHECKING:
    from backcourt.cluster.rayjob import RayJob

RunId = Annotated[str | None, typer.Argument(metavar="[RUN]", help="Follow this one.")]


def runs(
    run: RunId = None,
    namespace: Namespace = None,
    context: Context = None,
    logs: Logs = False,
    as_json: options.Json = False,
) -> None:
    """List the namespace's backfills, the newest first; with a run, follow it to its end and exit code."""
    from backcourt.cluster.kubernetes import open_cluster
    from backcourt.errors import UsageError
    from jobs.submit import follow

    with open_cluster(namespace, context) as cluster:
        if run is not None:
            if cluster.get(run) is None:
                raise UsageError(
                    f"There is no run {run} in namespace {cluster.namespace}.",
                    "`backcourt runs` lists those that Kubernetes still knows, `backcourt history` all.",
                )
            raise typer.Exit(follow(cluster, run, logs=logs))
        rows = [_row(job) for job in cluster.jobs()]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
    elif rows:
        _show(rows)
    else:
        typer.echo("Kubernetes knows no backfill here; `backcourt history` tells of all that were.")


def _row(job: "RayJob") -> dict[str, Any]:
    made, status = job.metadata.creation_timestamp, job.status
    return {
        "run": job.name,
        "state": "Suspended" if job.spec.suspend else status.job_deployment_status or "New",
        "exit_code": job.exit_code,
        "failed_attempts": status.failed or 0,
        "made": made.isoformat() if made else "",
        "tables": job.spec.metadata.get("tables", ""),
        "command": job.spec.entrypoint.removeprefix("exec "),
        "why": " ".join(f"{status.reason} {status.message}".split())[:400],
    }


def _show(rows: list[dict[str, Any]]) -> None:
    from jobs.console import console, grid

    columns = ("run", "state", "exit code", "failed attempts", "made (UTC)")
    cells = [
        (
            row["run"],
            row["state"],
            "" if row["exit_code"] is None else str(row["exit_code"]),
            str(row["failed_attempts"] or ""),
            row["made"][:16].replace("T", " "),
        )
        for row in rows
    ]
    console().print(grid("Backfills on Kubernetes", columns, cells))
