"""The text of the commit script, whole, and how a batch is checked and cut."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from backcourt.errors import UsageError
from backcourt.pipeline.ledger import InputVersion, LedgerEntry
from backcourt.pipeline.table import Column, FieldType, Table
from backcourt.warehouse.commit import CommitBatch, commit_request, commit_script, fits
from backcourt.warehouse.names import Names
from backcourt.warehouse.requests import Kind, TableRef

TABLE = Table(
    "nba",
    "games",
    "game_date",
    ("game_date", "player"),
    (
        Column("game_date", FieldType.DATE, "", required=True),
        Column("player", FieldType.STRING, "", required=True),
        Column("features", FieldType.FLOAT64, "", repeated=True),
    ),
    "",
)
NAMES = Names("proj", {"nba": "nba_prod"})
D1, D2, D3 = date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 3)
BATCH = CommitBatch(
    commit_id="run7-1-games-2",
    run_id="run7",
    code_version="v1.2",
    table=TABLE,
    staging=TableRef("state", "staging__run7_1_games_2"),
    entries=(
        LedgerEntry(
            "nba.games",
            D1,
            rows_commit="run7-1-games-2",
            processor_version="3",
            row_count=20,
            expected_count=21,
            present_count=20,
            forced=True,
            content_hash="aa",
            inputs={"nba.shots": InputVersion("d1", 2, (date(2023, 12, 31),))},
            notes="it's",
        ),
        LedgerEntry("nba.games", D3, row_count=0, processor_version="3", content_hash="cc"),
        LedgerEntry(
            "nba.games",
            D2,
            rows_commit="run6-1-games-1",
            processor_version="3",
            row_count=9,
            expected_count=9,
            present_count=9,
            content_hash="bb",
        ),
    ),
    expected={D1: "", D2: "run6-1-games-1", D3: "old"},
)

GOLDEN = r"""BEGIN TRANSACTION;
UPDATE `proj.state.head__games` SET generation = generation + 1, commit_id = 'run7-1-games-2' WHERE TRUE;
SELECT IF((SELECT COUNT(*) FROM `proj.state.head__games`) = 0, ERROR('backcourt:head'), NULL);
SELECT IF((SELECT COUNT(*) FROM `proj.state.ledger` WHERE table_name = 'nba.games' AND partition_date IN (DATE '2024-01-01', DATE '2024-01-02', DATE '2024-01-03') AND commit_id = 'run7-1-games-2') > 0, ERROR('backcourt:already-committed'), NULL);
SELECT IF((
  SELECT COUNT(*) FROM (
    SELECT event, held_until FROM `proj.state.holds` WHERE table_name = 'nba.games'
    QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name ORDER BY `at` DESC) = 1
  ) WHERE event = 'held' AND held_until > CURRENT_TIMESTAMP()
) > 0, ERROR('backcourt:held'), NULL);
SELECT IF(LOGICAL_OR(newest <> seen), ERROR(CONCAT('backcourt:superseded:', STRING_AGG(IF(newest <> seen, CAST(d AS STRING), NULL), ',' ORDER BY d))), NULL)
FROM (
  SELECT e.d AS d, e.seen AS seen, IFNULL(l.commit_id, '') AS newest
  FROM (SELECT CAST(JSON_VALUE(r, '$.d') AS DATE) AS d, JSON_VALUE(r, '$.seen') AS seen FROM UNNEST(JSON_QUERY_ARRAY('[{"d":"2024-01-01","seen":""},{"d":"2024-01-02","seen":"run6-1-games-1"},{"d":"2024-01-03","seen":"old"}]')) AS r) AS e
  LEFT JOIN (
    SELECT partition_date, commit_id FROM `proj.state.ledger`
    WHERE table_name = 'nba.games' AND partition_date IN (DATE '2024-01-01', DATE '2024-01-02', DATE '2024-01-03')
    QUALIFY ROW_NUMBER() OVER (PARTITION BY partition_date ORDER BY generation DESC) = 1
  ) AS l ON l.partition_date = e.d
);
SELECT IF(LOGICAL_OR(found <> wanted), ERROR(CONCAT('backcourt:staging:', STRING_AGG(IF(found <> wanted, CAST(d AS STRING), NULL), ',' ORDER BY d))), NULL)
FROM (
  SELECT e.d AS d, e.wanted AS wanted, IFNULL(s.n, 0) AS found
  FROM (SELECT CAST(JSON_VALUE(r, '$.d') AS DATE) AS d, CAST(JSON_VALUE(r, '$.wanted') AS INT64) AS wanted FROM UNNEST(JSON_QUERY_ARRAY('[{"d":"2024-01-01","wanted":20},{"d":"2024-01-03","wanted":0}]')) AS r) AS e
  LEFT JOIN (SELECT `game_date` AS d, COUNT(*) AS n FROM `proj.state.staging__run7_1_games_2` WHERE `game_date` IN (DATE '2024-01-01', DATE '2024-01-03') GROUP BY `game_date`) AS s
  ON s.d = e.d
);
MERGE `proj.nba_prod.games` AS t
USING (SELECT * FROM `proj.state.staging__run7_1_games_2` WHERE `game_date` IN (DATE '2024-01-01', DATE '2024-01-03')) AS s ON FALSE
WHEN NOT MATCHED BY TARGET THEN INSERT (`game_date`, `player`, `features`, `computed_at`, `run_id`, `code_version`)
  VALUES (s.`game_date`, s.`player`, s.`features`, CURRENT_TIMESTAMP(), 'run7', 'v1.2')
WHEN NOT MATCHED BY SOURCE AND t.`game_date` IN (DATE '2024-01-01', DATE '2024-01-03') THEN DELETE;
INSERT INTO `proj.state.ledger` (partition_date, table_name, generation, commit_id, rows_commit, run_id, code_version, processor_version, row_count, expected_count, present_count, coverage, forced, content_hash, input_versions, notes, committed_at)
SELECT v.partition_date, 'nba.games', (SELECT MAX(generation) FROM `proj.state.head__games`), 'run7-1-games-2', v.rows_commit, 'run7', 'v1.2', v.processor_version, v.row_count, v.expected_count, v.present_count, IFNULL(SAFE_DIVIDE(v.present_count, v.expected_count), 1.0), v.forced, v.content_hash, v.input_versions, v.notes, CURRENT_TIMESTAMP()
FROM (SELECT CAST(JSON_VALUE(r, '$.partition_date') AS DATE) AS partition_date, JSON_VALUE(r, '$.rows_commit') AS rows_commit, JSON_VALUE(r, '$.processor_version') AS processor_version, CAST(JSON_VALUE(r, '$.row_count') AS INT64) AS row_count, CAST(JSON_VALUE(r, '$.expected_count') AS INT64) AS expected_count, CAST(JSON_VALUE(r, '$.present_count') AS INT64) AS present_count, CAST(JSON_VALUE(r, '$.forced') AS BOOL) AS forced, JSON_VALUE(r, '$.content_hash') AS content_hash, JSON_VALUE(r, '$.input_versions') AS input_versions, JSON_VALUE(r, '$.notes') AS notes FROM UNNEST(JSON_QUERY_ARRAY('[{"partition_date":"2024-01-01","rows_commit":"run7-1-games-2","processor_version":"3","row_count":20,"expected_count":21,"present_count":20,"forced":true,"content_hash":"aa","input_versions":"{\\"nba.shots\\":{\\"digest\\":\\"d1\\",\\"dates\\":2,\\"holes\\":[\\"2023-12-31\\"]}}","notes":"it\'s"},{"partition_date":"2024-01-03","rows_commit":"run7-1-games-2","processor_version":"3","row_count":0,"expected_count":0,"present_count":0,"forced":false,"content_hash":"cc","input_versions":"{}","notes":null},{"partition_date":"2024-01-02","rows_commit":"run6-1-games-1","processor_version":"3","row_count":9,"expected_count":9,"present_count":9,"forced":false,"content_hash":"bb","input_versions":"{}","notes":null}]')) AS r) AS v;
COMMIT TRANSACTION;
"""  # noqa: E501 - a script as it is sent


def test_the_whole_script() -> None:
    assert commit_script(BATCH, NAMES, "state") == GOLDEN


def test_the_request_is_a_commit_named_after_its_batch() -> None:
    request = commit_request(BATCH, NAMES, "state")
    assert (request.job_id, request.kind, request.run_id, request.table, request.dates) == (
        "run7-1-games-2-commit",
        Kind.COMMIT,
        "run7",
        "nba.games",
        (D1, D2, D3),
    )
    assert request.sql == GOLDEN


def test_without_rows_older_ones_are_deleted_and_staging_is_not_asked() -> None:
    script = commit_script(replace(BATCH, entries=BATCH.entries[1:2]), NAMES, "state")
    assert "DELETE FROM `proj.nba_prod.games` WHERE `game_date` IN (DATE '2024-01-03');" in script
    assert "MERGE" not in script
    assert "staging" not in script


def test_a_renewal_touches_the_ledger_only() -> None:
    script = commit_script(replace(BATCH, staging=None, entries=BATCH.entries[2:]), NAMES, "state")
    assert "nba_prod" not in script
    assert '"rows_commit":"run6-1-games-1"' in script


@pytest.mark.parametrize("notes", ["a\0b", "\ud800"])
def test_a_text_that_json_would_only_hide_is_refused(notes: str) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        commit_script(replace(BATCH, entries=(replace(BATCH.entries[0], notes=notes),)), NAMES, "state")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"entries": ()}, "no partition"),
        ({"entries": BATCH.entries[:1] * 2}, "date twice"),
        ({"entries": (replace(BATCH.entries[0], table="nba.other"),)}, "another table"),
        ({"expected": {D1: "", D2: ""}}, "2024-01-03"),
        ({"staging": None}, "no staging table"),
    ],
)
def test_a_batch_that_contradicts_itself_is_refused(change: dict[str, object], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        replace(BATCH, **change)  # type: ignore[arg-type]


def many(count: int) -> CommitBatch:
    days = [D1 + timedelta(days=n) for n in range(count)]
    entries = tuple(
        replace(BATCH.entries[2 if n % 3 == 0 else 0], day=day, notes="é" * 200) for n, day in enumerate(days)
    )
    return replace(BATCH, entries=entries, expected=dict.fromkeys(days, ""))


def test_whether_a_batch_fits_is_a_matter_of_its_bytes() -> None:
    batch = many(40)
    size = len(commit_script(batch, NAMES, "state").encode())
    assert size > len(commit_script(batch, NAMES, "state"))  # its notes are no ASCII
    assert fits(batch, NAMES, "state")
    assert fits(batch, NAMES, "state", limit=size)
    assert not fits(batch, NAMES, "state", limit=size - 1)
