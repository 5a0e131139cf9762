"""The lineage of a small pipeline, written by hand."""

from backcourt.pipeline.lineage import as_mermaid, as_text, lineage
from backcourt.pipeline.processor import SAME_DATE, Feed, Input, Pipeline, Processor, Window
from backcourt.pipeline.table import Column, FieldType, Table

DAY = Column("day", FieldType.DATE, "The date.", required=True)
FEED = Feed("orders", (DAY,), "day")
ORDERS = Table("raw", "orders", "day", ("day",), (DAY,), "Orders.")
REVENUE = Table("shop", "revenue", "day", ("day",), (DAY,), "Revenue.")


def _processor(table: Table, *inputs: Input) -> Processor:
    return Processor(table, "1", inputs, lambda *_: None, lambda *_: None)  # type: ignore[arg-type, return-value]


PIPELINE = Pipeline(
    "shop",
    (
        _processor(REVENUE, Input(ORDERS, ("day",), Window(same_date=True, days=7), optional=True)),
        _processor(ORDERS, Input(FEED, ("day",), SAME_DATE)),
    ),
)


def test_text_names_inputs_windows_and_readers() -> None:
    assert as_text(lineage(PIPELINE)).splitlines() == [
        "raw.orders",
        "  reads source:orders (the date)",
        "  read by shop.revenue",
        "shop.revenue",
        "  reads raw.orders (the date and 7 days back, optional)",
        "  read by nobody",
    ]


def test_mermaid_draws_optional_inputs_dotted() -> None:
    assert as_mermaid(lineage(PIPELINE)).splitlines() == [
        "flowchart LR",
        '  t0["source:orders"]',
        '  t1["raw.orders"]',
        '  t2["shop.revenue"]',
        "  t0 --> t1",
        "  t1 -.-> t2",
    ]
