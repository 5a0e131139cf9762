"""One request to stats.nba.com at a time, as often as it takes to get a usable answer.

nba_api knows the service's endpoints, their parameters and the browser's headers without which the service does not
answer; what it lacks is added here: a timeout on every request, a pace, and retries. The service sheds load by
answering 429 or 5xx, by an HTML page or half a document instead of JSON, or by not answering at all; each is tried
again after a rest that doubles, in which no other process of the machine asks either.
"""

import json
from dataclasses import dataclass
from typing import Any

from nba_api.stats.endpoints._base import Endpoint
from nba_api.stats.library.http import NBAStatsHTTP, NBAStatsResponse
from requests import RequestException

from backcourt.errors import DataError
from backcourt.sources.errors import SourceUnavailable
from backcourt.sources.pace import Pace

BASE_URL = "https://stats.nba.com/stats"


@dataclass(frozen=True)
class Manners:
    """How the service is asked. Seconds; the rest after a failure doubles from `first_rest` to `longest_rest`.

    The service publishes no limit. One request a second is slower than the 0.6 s that nba_api's examples pause
    (docs/examples, read 2026-11).
    """

    pause: float = 1.0
    timeout: float = 60.0
    tries: int = 6
    first_rest: float = 4.0
    longest_rest: float = 120.0

    def rest(self, failures: int) -> float:
        """How long nobody asks after so many failures in a row."""
        return float(min(self.first_rest * 2 ** (failures - 1), self.longest_rest))


class _Response(NBAStatsResponse):  # type: ignore[misc]
    """An answer that tells its status."""

    def __init__(self, response: str, status_code: int, url: str) -> None:
        super().__init__(response, status_code, url)
        self.status = status_code


class _Http(NBAStatsHTTP):  # type: ignore[misc]
    """nba_api's client on another address, and with answers that tell their status."""

    nba_response = _Response

    def __init__(self, base_url: str) -> None:
        self.base_url = f"{base_url}/{{endpoint}}"


class StatsService:
    """Asks the service at `base_url`, in turns with the other processes that share `pace`."""

    def __init__(self, pace: Pace, manners: Manners, base_url: str = BASE_URL) -> None:
        self._pace, self._manners, self._base_url = pace, manners, base_url

    def ask(self, endpoint: Endpoint) -> dict[str, Any]:
        """The answer's JSON object.

        Args:
            endpoint: an endpoint of nba_api with its parameters, made with `get_request=False`.

        Raises:
            DataError: the service refuses this request, or answers with something else than an object.
            SourceUnavailable: no usable answer in `Manners.tries` tries.
        """
        failures = 0
        while True:
            with self._pace.turn(self._manners.pause) as turn:
                try:
                    return self._answer(endpoint)
                except SourceUnavailable:
                    failures += 1
                    turn.rest = self._manners.rest(failures)
                    if failures >= self._manners.tries:
                        raise

    def _answer(self, endpoint: Endpoint) -> dict[str, Any]:
        name = f"stats.nba.com/{endpoint.endpoint}"
        try:
            response = _Http(self._base_url).send_api_request(
                endpoint.endpoint, endpoint.parameters, timeout=self._manners.timeout
            )
        except RequestException as error:
            raise _unavailable(name, f"does not answer ({type(error).__name__})") from error
        status = response.status
        if status == 429 or status >= 500:
            raise _unavailable(name, f"answers {status}")
        if status != 200:
            raise DataError(
                f"{name} refuses the request with {status}.",
                "The service blocks some networks, cloud providers' above all: try from another one, or ingest from "
                "a folder.",
            )
        try:
            answer = response.get_dict()
        except json.JSONDecodeError as error:
            raise _unavailable(name, "answers with no whole JSON document") from error
        if not isinstance(answer, dict):
            raise DataError(f"{name} answers with a {type(answer).__name__} instead of an object.", UPDATE)
        return answer


UPDATE = "The service has changed: update nba_api and this source, or ingest from a folder."
"""What to do when an answer has another shape than it used to have."""


def _unavailable(name: str, why: str) -> SourceUnavailable:
    return SourceUnavailable(
        f"{name} {why}, after several tries.",
        "Run the same command again later: what was answered is kept and not asked again.",
    )
