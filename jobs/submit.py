"""`backcourt submit`: a backfill on a Ray cluster of its own in Kubernetes, followed from here.

What the pods are like comes from the chart's values: the release keeps a RayJob without a run in a ConfigMap, and this
command names a run in it, adds the flags of `backfill`, and makes it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobs import options

if TYPE_CHECKING:
    from backcourt.cluster.kubernetes import Cluster
    from backcourt.cluster.rayjob import RayJob

Namespace = Annotated[str | None, typer.Option("--namespace", "-n", help="By default the kubeconfig's.")]
Context = Annotated[
    str | None, typer.Option("--context", help="Context of the kubeconfig; by default the present one.")
]
Release = Annotated[str | None, typer.Option("--release", help="The chart's release; by default the only one.")]
Detach = Annotated[bool, typer.Option("--detach", "-d", help="Do not follow it.")]
Logs = Annotated[bool, typer.Option("--logs", help="Print its log instead of its progress.")]


def submit(
    tables: options.Tables = None,
    start: options.Start = None,
    end: options.End = None,
    dates: options.Dates = None,
    dates_file: options.DatesFile = None,
    recompute: options.Recompute = False,
    rewrite: options.Rewrite = False,
    stale: options.Stale = False,
    only_failed: options.OnlyFailed = None,
    force: options.Force = False,
    no_fallback: options.NoFallback = False,
    run: options.Run = None,
    namespace: Namespace = None,
    context: Context = None,
    release: Release = None,
    detach: Detach = False,
    logs: Logs = False,
    dry_run: options.DryRun = False,
) -> None:
    """Make a RayJob and follow it to the command's exit code. Ctrl-C stops following, not the run."""
    from backcourt.cluster.kubernetes import open_cluster
    from jobs.ground import checked_run_id

    words = _words(start, end, dates, dates_file, only_failed)
    flags = {
        "--recompute": recompute,
        "--rewrite": rewrite,
        "--stale": stale,
        "--force": force,
        "--no-fallback": no_fallback,
    }
    words += [flag for flag, given in flags.items() if given]
    names = options.split_names(tables)
    words += ["--tables", ",".join(names)] if names else []
    run_id = checked_run_id(run) or _new_run_id()
    with open_cluster(namespace, context) as cluster:
        job = cluster.template(release).named(run_id, words, names)
        if dry_run:
            _print_manifest(job)
            return
        cluster.create(job)
        typer.echo(f"RayJob {run_id} is made in namespace {cluster.namespace}: {job.spec.entrypoint}")
        typer.echo(dashboard_hint(cluster, run_id))
        if detach:
            typer.echo(f"Follow it with `backcourt runs {run_id} -n {cluster.namespace}`.")
            return
        raise typer.Exit(follow(cluster, run_id, logs=logs))


def follow(cluster: "Cluster", run_id: str, *, logs: bool) -> int:
    """Show a run until it is over; its exit code. Ctrl-C leaves it alone."""
    from backcourt.clock import SystemClock
    from jobs.console import console
    from jobs.followed_run import FollowedRun
    from jobs.following import Follower

    clock = SystemClock()
    try:
        with FollowedRun(console(), clock, raw=logs) as shown:
            return Follower(cluster, run_id, clock, shown).follow()
    except KeyboardInterrupt:
        typer.echo(
            f"{run_id} goes on without you. Look again: `backcourt runs {run_id} -n {cluster.namespace}`. Stop it: "
            f"`backcourt cancel {run_id}`."
        )
        return 0


def dashboard_hint(cluster: "Cluster", run_id: str) -> str:
    """How to see Ray's dashboard, which is not exposed."""
    return (
        f"Ray's dashboard: kubectl -n {cluster.namespace} port-forward svc/{run_id}-head-svc 8265, then"
        " http://localhost:8265; it asks for the token of the release's Secret."
    )


def _words(
    start: str | None, end: str | None, dates: list[str] | None, file: Path | None, only_failed: str | None
) -> list[str]:
    """The flags that take a value, checked here: a typo should not cost a cluster."""
    from jobs.selection import select_dates

    selection = select_dates(start, end, dates, file)
    words = []
    if selection.start:
        words += ["--start", selection.start.isoformat()]
    if selection.end:
        words += ["--end", selection.end.isoformat()]
    if selection.named:
        words += ["--dates", ",".join(day.isoformat() for day in selection.named)]
    return [*words, "--only-failed", only_failed] if only_failed else words


def _new_run_id() -> str:
    """As `backfill` makes them: by time, and different for two who submit at once."""
    import uuid

    from backcourt.clock import SystemClock

    return f"backfill-{SystemClock().now():%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:4]}"


def _print_manifest(job: "RayJob") -> None:
    from yaml import safe_dump

    typer.echo(safe_dump(job.manifest(), sort_keys=False), nl=False)
