"""A webhook that answers, errs, refuses, hangs or is not there: the sender always comes back, and keeps the secret."""

from collections.abc import Iterator

import pytest

from backcourt.reporting.webhook import TRIES, Webhook
from tests.unit.engine.fake_clock import FakeClock
from tests.webhook_server import SECRET, Received, webhook_server


@pytest.fixture
def received() -> Iterator[Received]:
    with webhook_server() as running:
        yield running


def test_a_message_arrives_once(received: Received) -> None:
    clock = FakeClock()
    assert Webhook(received.url, clock).send("3 partitions & more").sent
    assert received.texts == ["3 partitions & more"]
    assert clock.slept == []


def test_errors_of_the_service_are_tried_again_with_the_pause_that_it_asks_for(received: Received) -> None:
    received.statuses = [500, 429]
    clock = FakeClock()
    assert Webhook(received.url, clock).send("text").how == "sent at try 3"
    assert clock.slept == [3.0, 3.0]


def test_a_refusal_is_final(received: Received) -> None:
    received.statuses = [404]
    delivery = Webhook(received.url, FakeClock()).send("text")
    assert (delivery.sent, delivery.how) == (False, "the webhook refused it: HTTP 404")
    assert len(received.texts) == 1


def test_a_redirect_does_not_carry_the_message_elsewhere(received: Received) -> None:
    received.statuses = [302]
    assert Webhook(received.url, FakeClock()).send("text").how == "the webhook refused it: HTTP 302"


def test_a_webhook_that_hangs_is_left(received: Received) -> None:
    received.hang = True
    delivery = Webhook(received.url, FakeClock(), try_seconds=0.2).send("text")
    assert (delivery.sent, delivery.how) == (False, f"not sent after {TRIES} tries: it did not answer in time")


@pytest.mark.parametrize(
    "url", [f"http://127.0.0.1:9/{SECRET}", f"nonsense/{SECRET}", f"http://no.such.host.invalid/{SECRET}"]
)
def test_a_webhook_that_is_not_there_is_told_without_its_address(url: str) -> None:
    webhook = Webhook(url, FakeClock(), try_seconds=5)
    delivery = webhook.send("text")
    assert delivery.sent is False
    assert SECRET not in delivery.how + repr(webhook) + repr(delivery)
    assert "127.0.0.1" not in delivery.how
