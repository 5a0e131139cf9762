"""`backcourt tables`: the pipeline's tables, their keys, inputs and windows."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from jobs import options

if TYPE_CHECKING:
    from backcourt.pipeline.processor import Pipeline, Processor


def tables(
    lineage: Annotated[bool, typer.Option("--lineage", help="Show which table is made from which.")] = False,
    form: Annotated[str, typer.Option("--format", help="With --lineage: text, json or mermaid.")] = "text",
    as_json: options.Json = False,
    config: options.Config = None,
) -> None:
    """List what the pipeline makes, wave by wave, and from what."""
    from backcourt.pipeline.plan import waves
    from jobs.console import console, grid
    from jobs.session import load_pipeline
    from jobs.settings import load_settings

    pipeline = load_pipeline(load_settings({}, config).pipeline)
    if lineage:
        typer.echo(_lineage(pipeline, "json" if as_json else form))
        return
    order = waves(pipeline, [p.name for p in pipeline.processors])
    found = sorted(pipeline.processors, key=lambda p: (order[p.name], p.name))
    if as_json:
        typer.echo(json.dumps([_details(p, order[p.name]) for p in found], indent=2))
        return
    rows = [(p.name, str(order[p.name]), ", ".join(p.table.key), _inputs(p)) for p in found]
    console().print(grid(f"Pipeline {pipeline.name}", ("table", "wave", "key", "inputs"), rows))


def _lineage(pipeline: "Pipeline", form: str) -> str:
    from backcourt.errors import UsageError
    from backcourt.pipeline import lineage

    graph = lineage.lineage(pipeline)
    if form == "json":
        return graph.model_dump_json(indent=2)
    if form not in ("text", "mermaid"):
        raise UsageError(f"There is no format {form}.", "Use text, json or mermaid.")
    return lineage.as_text(graph) if form == "text" else lineage.as_mermaid(graph)


def _inputs(processor: "Processor") -> str:
    return "; ".join(f"{i.name.rpartition('.')[2]}: {i.window.describe()}" for i in processor.inputs)


def _details(processor: "Processor", wave: int) -> dict[str, object]:
    table = processor.table
    return {
        "table": table.full_name,
        "wave": wave,
        "description": table.description,
        "partition_by": table.partition_by,
        "key": table.key,
        "version": processor.version,
        "bootstrap": processor.bootstrap,
        "inputs": [{"name": i.name, "window": i.window.describe(), "optional": i.optional} for i in processor.inputs],
        "columns": [
            {"name": c.name, "type": c.type, "required": c.required, "description": c.description}
            for c in table.columns
        ],
    }
