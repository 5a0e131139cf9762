"""Which table is made from which, as declared: text, JSON or Mermaid. Nothing is guessed from names."""

from collections.abc import Iterable

from backcourt.pipeline.plan import Frozen, waves
from backcourt.pipeline.processor import Pipeline


class Edge(Frozen):
    """One input of one table, and how far back it is read."""

    input: str
    table: str
    window: str
    optional: bool


class Lineage(Frozen):
    """The tables of a pipeline in the order of their waves, and what each is made from."""

    pipeline: str
    tables: tuple[str, ...]
    edges: tuple[Edge, ...]


def lineage(pipeline: Pipeline) -> Lineage:
    """The graph that the processors declare."""
    order = waves(pipeline, [p.name for p in pipeline.processors])
    tables = sorted(order, key=lambda name: (order[name], name))
    edges = (
        Edge(input=i.name, table=name, window=i.window.describe(), optional=i.optional)
        for name in tables
        for i in pipeline.processor(name).inputs
    )
    return Lineage(pipeline=pipeline.name, tables=tuple(tables), edges=tuple(edges))


def as_text(graph: Lineage) -> str:
    """A paragraph a table: what it reads, then what reads it."""
    return "\n".join(_paragraph(graph, table) for table in graph.tables)


def as_mermaid(graph: Lineage) -> str:
    """A Mermaid flow chart; dotted arrows are optional inputs."""
    nodes = dict.fromkeys([*(e.input for e in graph.edges), *graph.tables])
    ids = {name: f"t{number}" for number, name in enumerate(nodes)}
    lines = [f'  {ids[name]}["{name}"]' for name in nodes]
    lines += [f"  {ids[e.input]} {'-.->' if e.optional else '-->'} {ids[e.table]}" for e in graph.edges]
    return "\n".join(["flowchart LR", *lines])


def _paragraph(graph: Lineage, table: str) -> str:
    reads = [
        f"  reads {e.input} ({e.window}{', optional' if e.optional else ''})" for e in graph.edges if e.table == table
    ]
    read_by = _unique(e.table for e in graph.edges if e.input == table)
    return "\n".join([table, *reads, f"  read by {', '.join(read_by) or 'nobody'}"])


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
