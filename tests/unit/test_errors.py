"""Every error of the project: it survives the border between processes, and says what a caller may do with it."""

import importlib
import pickle
import pkgutil
from collections.abc import Iterator
from datetime import date

import pytest

import backcourt
import jobs
import ray_tasks
from backcourt.errors import BackcourtError, Permanent, QuotaSignal, Retryable
from backcourt.warehouse.errors import QuotaExceeded, WarehouseError

MIX_INS = (Retryable, QuotaSignal, Permanent)


def subclasses(root: type[BackcourtError]) -> Iterator[type[BackcourtError]]:
    for child in root.__subclasses__():
        yield child
        yield from subclasses(child)


def every_error() -> list[type[BackcourtError]]:
    for package in (backcourt, ray_tasks, jobs):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    return sorted(
        {e for e in subclasses(BackcourtError) if not e.__module__.startswith("tests")}, key=lambda e: e.__qualname__
    )


EVERY = every_error()
LEAVES = [error for error in EVERY if not error.__subclasses__()]


@pytest.mark.parametrize("error", EVERY, ids=lambda e: e.__name__)
def test_type_text_and_fields_survive_pickling(error: type[BackcourtError]) -> None:
    raised = error("Job j of d.t failed.", "Do this.", job_id="j", table="d.t", dates=(date(2024, 1, 1),), n=3)
    back = pickle.loads(pickle.dumps(raised))
    assert type(back) is error
    assert str(back) == str(raised) == "Job j of d.t failed. Do this."
    assert (back.what, back.do, back.fields) == (raised.what, raised.do, raised.fields)
    assert back.fields["dates"] == (date(2024, 1, 1),)
    assert back.args == raised.args


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda e: e.__name__)
def test_a_leaf_says_exactly_one_way_what_may_be_done(leaf: type[BackcourtError]) -> None:
    assert sum(issubclass(leaf, mix_in) for mix_in in MIX_INS) == 1


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda e: e.__name__)
def test_a_leaf_is_described_by_when_it_is_raised(leaf: type[BackcourtError]) -> None:
    assert leaf.__doc__
    assert leaf.__doc__.startswith("Raised ")


def test_the_fields_of_a_warehouse_error_are_read_by_name() -> None:
    known = WarehouseError("what", "do", job_id="j", dates=(date(2024, 1, 1),), reason="stopped")
    assert (known.job_id, known.dates, known.reason) == ("j", (date(2024, 1, 1),), "stopped")
    unknown = WarehouseError("what")
    assert (unknown.job_id, unknown.dates, unknown.reason) == ("", (), "")


def test_a_quota_of_the_day_parks_for_ten_minutes_unless_told_otherwise() -> None:
    assert QuotaExceeded("what").park_seconds == 600
    assert pickle.loads(pickle.dumps(QuotaExceeded("what", park_seconds=900.0))).park_seconds == 900
