"""Follows a RayJob to its end: what the operator says of it, and its driver's log, asked for every two seconds.

Looking, instead of holding a stream open, survives what following must survive: a submitter that is replaced, an API
server that restarts, a laptop that sleeps.
"""

from collections.abc import Sequence
from typing import Protocol

from backcourt.clock import Clock
from backcourt.cluster.kubernetes import SUBMITTER, ClusterError
from backcourt.cluster.rayjob import RayJob
from backcourt.cluster.story import Notice, PodState, Story, story_of
from jobs.followed_run import FollowedRun

LOOK_SECONDS = 2.0
"""Pause between two looks."""
OVERLAP_SECONDS = 10
"""Log lines are asked for again from so long before the last look; their times tell which are known."""
ATTEMPT_SECONDS = 20.0
"""How long an end must stand: a failed attempt looks like one until the operator starts the next."""
SILENCE_SECONDS = 120.0
"""How long the API may be silent before following gives up; the run does not notice."""


class Watched(Protocol):
    """What following asks of a cluster; see backcourt.cluster.kubernetes.Cluster."""

    def get(self, run_id: str) -> RayJob | None:
        """The RayJob."""

    def pods(self, job: RayJob) -> list[PodState]:
        """Its pods, the oldest first."""

    def notices(self, job: RayJob) -> list[Notice]:
        """The operator's warnings about it."""

    def log(self, pod: str, since: int | None) -> list[str]:
        """A pod's log lines, each behind its time."""


class Follower:
    """Follows one run."""

    def __init__(self, cluster: Watched, run_id: str, clock: Clock, shown: FollowedRun) -> None:
        """Look at this run, show it there."""
        self._cluster, self._run_id, self._clock, self._shown = cluster, run_id, clock, shown
        self._said = ""
        self._logs: dict[str, _Log] = {}
        self._answered = clock.monotonic()

    def follow(self) -> int:
        """Look until it is over; the command's exit code.

        Raises:
            ClusterError: Kubernetes was silent for two minutes, or refused.
        """
        over_since: float | None = None
        while True:
            story = self._look()
            now = self._clock.monotonic()
            if story is None or not story.over:
                over_since = None
            elif story.exit_code == 0:
                return 0
            elif over_since is None:
                over_since = now
            elif now - over_since >= ATTEMPT_SECONDS:
                return story.exit_code
            self._clock.sleep(LOOK_SECONDS)

    def _look(self) -> Story | None:
        """One look, shown; None where nobody answered."""
        try:
            job = self._cluster.get(self._run_id)
            if job is None:
                return self._tell(Story(f"{self._run_id} was deleted; what is committed stays.", True, 143))
            pods, notices = self._cluster.pods(job), self._cluster.notices(job)
            self._read(pods)
        except ClusterError:
            if self._clock.monotonic() - self._answered > SILENCE_SECONDS:
                raise
            return None
        self._answered = self._clock.monotonic()
        return self._tell(story_of(job, pods, notices))

    def _tell(self, story: Story) -> Story:
        if story.sentence != self._said:
            self._said = story.sentence
            self._shown.say(story.sentence)
        return story

    def _read(self, pods: Sequence[PodState]) -> None:
        now = self._clock.monotonic()
        for pod in pods:
            if pod.component == SUBMITTER and pod.phase != "Pending":
                log = self._logs.setdefault(pod.name, _Log())
                since = None if log.asked is None else int(now - log.asked) + OVERLAP_SECONDS
                for line in log.new(self._cluster.log(pod.name, since)):
                    self._shown.line(line)
                log.asked = now


class _Log:
    """What of a pod's log is known: up to which time, and how many lines of that time."""

    def __init__(self) -> None:
        self.asked: float | None = None
        self._last, self._known = "", 0

    def new(self, lines: Sequence[str]) -> list[str]:
        """The texts of the lines that were not there before."""
        found, same = [], 0
        for line in lines:
            stamp, _, text = line.partition(" ")
            at = _sortable(stamp)
            if at > self._last:
                self._last, self._known, same = at, 0, 0
            same += at == self._last
            if at == self._last and same > self._known:
                self._known = same
                found.append(text)
        return found


def _sortable(stamp: str) -> str:
    """A time of RFC 3339 in UTC, whose fraction drops its last zeros, so that it sorts as text."""
    whole, _, fraction = stamp.rstrip("Z").partition(".")
    return f"{whole}.{fraction:0<9}"
