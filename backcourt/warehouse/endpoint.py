"""Where BigQuery is: the real service, or one on this machine."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Endpoint:
    """A BigQuery project and where its two interfaces answer; empty addresses mean the real Google service.

    `rest` is a base address like `http://127.0.0.1:9050`, `storage` (Storage Read API, plain gRPC) a host and port like
    `127.0.0.1:9060`.
    """

    project: str
    rest: str = ""
    storage: str = ""

    @property
    def is_local(self) -> bool:
        """Whether this is a server of ours, which takes no credentials."""
        return bool(self.rest)
