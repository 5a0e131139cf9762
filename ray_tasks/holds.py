"""The holds that last, as a run or a command finds them."""

from backcourt.pipeline.holds import Hold
from backcourt.warehouse.holds import holds_in, holds_request
from ray_tasks.prepare import Ground, own_rows


def read_holds(ground: Ground, what: str = "holds") -> tuple[Hold, ...]:
    """The holds that last, by table; none before the first run. `what` names the job."""
    request = holds_request(ground.warehouse.names, ground.state_dataset, ground.run_id, ground.job_id(what))
    return holds_in(own_rows(ground, request))
