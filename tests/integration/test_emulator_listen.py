"""Where the local BigQuery listens: on loopback, and elsewhere only if asked to."""

import socket

import pytest

from backcourt.warehouse.emulator import LocalBigQuery


def own_address() -> str:
    """This machine's address to others; no packet is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))
        except OSError:
            pytest.skip("This machine has no address but loopback.")
        return str(probe.getsockname()[0])


def answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def ports(server: LocalBigQuery) -> list[int]:
    return [int(address.rpartition(":")[2]) for address in (server.endpoint.rest, server.endpoint.storage)]


def test_it_listens_on_loopback_only() -> None:
    with LocalBigQuery(None) as server:
        assert [answers("127.0.0.1", port) for port in ports(server)] == [True, True]
        assert [answers(own_address(), port) for port in ports(server)] == [False, False]


def test_it_listens_on_every_address_when_asked_to() -> None:
    with LocalBigQuery(None, listen="0.0.0.0") as server:
        assert server.endpoint.rest.startswith("http://127.0.0.1:")
        assert [answers(own_address(), port) for port in ports(server)] == [True, True]
