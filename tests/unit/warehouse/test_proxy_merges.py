"""Which merges the proxy takes apart for the emulator, and into what."""

import pytest

from backcourt.warehouse.proxy.execution import sent
from backcourt.warehouse.proxy.jobs import Job
from backcourt.warehouse.proxy.merges import in_parts
from backcourt.warehouse.proxy.statements import split

REPLACEMENT = (
    "MERGE `p.d.t` AS t USING (SELECT * FROM `p.o.s` WHERE `day` IN (DATE '2024-01-01')) AS s ON FALSE"
    " WHEN NOT MATCHED BY TARGET THEN INSERT (`day`, `b; c`) VALUES (s.`day`, 'it\\'s')"
    " WHEN NOT MATCHED BY SOURCE AND t.`day` IN (DATE '2024-01-01') THEN DELETE"
)


def parts(sql: str) -> tuple[str, ...]:
    (statement,) = split(sql)
    return in_parts(statement)


def test_a_replacement_is_a_delete_and_an_insert() -> None:
    delete, insert = parts(REPLACEMENT)
    assert delete == "DELETE FROM `p.d.t` AS t WHERE t.`day` IN (CAST('2024-01-01' AS DATE))"
    assert insert == (
        "INSERT INTO `p`.`d`.`t` (`day`, `b; c`) SELECT s.`day`, 'it\\'s'"
        " FROM (SELECT * FROM `p.o.s` WHERE `day` IN (CAST('2024-01-01' AS DATE))) AS s"
    )


@pytest.mark.parametrize(
    ("what", "by"),
    [
        ("ON FALSE", "ON t.`day` = s.`day`"),  # matched rows stay
        ("`p.o.s`", "`p.d.t`"),  # the source reads what the DELETE would take away
        ("BY TARGET THEN", "BY TARGET AND s.`day` IS NOT NULL THEN"),  # not every row is inserted
        ("AND t.`day` IN (DATE '2024-01-01') THEN", "THEN"),  # every row is deleted
        ("IN (DATE '2024-01-01') THEN", "IN (SELECT day FROM `p.d.u`) THEN"),  # the condition reads elsewhere
        ("THEN DELETE", "THEN UPDATE SET `b; c` = 'x'"),
        (" THEN DELETE", " THEN DELETE WHEN NOT MATCHED BY SOURCE THEN UPDATE SET `b; c` = 'x'"),
        ("INSERT (`day`, `b; c`) VALUES (s.`day`, 'it\\'s')", "INSERT ROW"),
    ],
)
def test_any_other_merge_stays_whole(what: str, by: str) -> None:
    sql = REPLACEMENT.replace(what, by)
    assert sql != REPLACEMENT
    assert parts(sql) == (sql,)


@pytest.mark.parametrize("sql", ["DELETE FROM d.t WHERE TRUE", "BEGIN TRANSACTION", "SELECT 'MERGE d.t'"])
def test_other_statements_stay_as_they_are(sql: str) -> None:
    assert parts(sql) == (sql,)


@pytest.mark.parametrize(
    ("sql", "verbs"),
    [
        (f"BEGIN TRANSACTION; {REPLACEMENT}; COMMIT TRANSACTION;", ["BEGIN", "DELETE", "INSERT", "COMMIT"]),
        (REPLACEMENT, ["MERGE"]),  # a statement by itself is atomic only while it is one
    ],
)
def test_the_emulator_gets_a_commits_merge_in_parts(sql: str, verbs: list[str]) -> None:
    job = Job.of("p", "j", {"query": {"query": sql, "useLegacySql": False}}, 0, None)
    assert [s.verb for s in split(sent(job, None)["query"]["query"])] == verbs
    assert job.configuration["query"]["query"] == sql  # what jobs.get tells
