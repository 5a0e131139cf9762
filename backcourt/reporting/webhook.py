"""Sends a text to a Slack-compatible webhook, and never harms who sends it.

The address is a secret: it is in no message of ours, nor are the words of the HTTP library, which would name it. A
webhook that hangs is left after a while; the try runs in a thread of its own, so that not even one that answers a byte
a minute holds the run.
"""

import threading
from dataclasses import dataclass

import requests

from backcourt.clock import Clock

TRIES = 4
"""Times that a message is sent."""
TRY_SECONDS = 5.0
"""How long one try may take."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 10.0
"""Seconds before the second try, doubled after each, and the most that a webhook's own Retry-After is heeded."""


@dataclass(frozen=True)
class Delivery:
    """How sending ended, in words that do not name the address."""

    sent: bool
    how: str


@dataclass
class _Answer:
    """What one try heard: a status, and the pause that the webhook asks for; status 0 is no answer."""

    status: int = 0
    how: str = "it did not answer in time"
    pause: float = 0.0


class Webhook:
    """A place that takes messages."""

    def __init__(self, url: str, clock: Clock, try_seconds: float = TRY_SECONDS) -> None:
        """Take the secret address, and time."""
        self._url, self._clock, self._try_seconds = url, clock, try_seconds

    def __repr__(self) -> str:
        return "Webhook(…)"

    def send(self, text: str) -> Delivery:
        """Send one message, a few times if need be. Raises nothing."""
        pause, answer = FIRST_PAUSE, _Answer()
        for number in range(1, TRIES + 1):
            answer = self._tried(text)
            if 200 <= answer.status < 300:
                return Delivery(True, f"sent at try {number}")
            if answer.status and answer.status != 429 and answer.status < 500:
                return Delivery(False, f"the webhook refused it: {answer.how}")
            if number < TRIES:
                self._clock.sleep(min(max(pause, answer.pause), LONGEST_PAUSE))
                pause *= 2
        return Delivery(False, f"not sent after {TRIES} tries: {answer.how}")

    def _tried(self, text: str) -> _Answer:
        heard: list[_Answer] = []
        thread = threading.Thread(target=lambda: heard.append(self._posted(text)), name="webhook", daemon=True)
        thread.start()
        thread.join(self._try_seconds)
        return heard[0] if heard else _Answer()

    def _posted(self, text: str) -> _Answer:
        try:
            with requests.post(
                self._url, json={"text": text}, timeout=self._try_seconds, allow_redirects=False, stream=True
            ) as response:
                asked = response.headers.get("Retry-After", "")
                pause = float(asked) if asked.isdecimal() else 0.0
                return _Answer(response.status_code, f"HTTP {response.status_code}", pause)
        except requests.Timeout:
            return _Answer()
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            return _Answer(0, f"it cannot be reached ({type(error).__name__})")
        except Exception as error:  # noqa: BLE001 (whatever it is, it must not end the run, and may name the address)
            return _Answer(400, type(error).__name__)
