"""Shares of the runs of one cluster: a ConfigMap, whose resource version makes the compare-and-swap.

Kubernetes' API refuses with 409 to replace an object that has changed since it was read (API conventions, "Concurrency
Control and Consistency", read 2026-11). The ConfigMap is made by the chart, and only its data is changed here.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from lightkube import ApiError, Client, ConfigError, KubeConfig
from lightkube.resources.core_v1 import ConfigMap
from yaml import YAMLError

from backcourt.pipeline.shares import Shares
from backcourt.sharing.store import Seen, SharesUnreachable, SharesUnusable, shares_in, text_of

CALL_SECONDS = 5.0
"""Deadline of one call: far below the lease, so that one lost answer costs no share."""
KEY = "shares.json"
"""The entry of the ConfigMap's data."""


class ConfigMapShares:
    """The store in a ConfigMap; its version is the object as it was read."""

    pace = 2.0

    def __init__(self, client: Client, namespace: str, name: str) -> None:
        """Ask through this client, whose calls have deadlines."""
        self._client, self._namespace, self._name = client, namespace, name

    def read(self) -> Seen:
        """See SharesStore."""
        with self._told():
            found = self._client.get(ConfigMap, self._name, namespace=self._namespace)
        return Seen(shares_in((found.data or {}).get(KEY, ""), self._where), found)

    def compare_and_swap(self, seen: Seen, shares: Shares) -> bool:
        """See SharesStore."""
        if not isinstance(seen.version, ConfigMap):
            return False
        old = seen.version
        data = {**(old.data or {}), KEY: text_of(shares)}
        new = ConfigMap(metadata=old.metadata, data=data, binaryData=old.binaryData)
        with self._told():
            try:
                self._client.replace(new)
            except ApiError as error:
                if error.status.code == 409:
                    return False
                raise
        return True

    @contextmanager
    def present(self, run: str) -> Iterator[None]:  # noqa: ARG002 (the port's)
        """See SharesStore: a node that is lost can tell nobody."""
        yield

    def has_died(self, run: str) -> bool:  # noqa: ARG002 (the port's)
        """See SharesStore: only the lease tells."""
        return False

    @property
    def _where(self) -> str:
        return f"ConfigMap {self._namespace}/{self._name}"

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Errors of a call as sentences."""
        try:
            yield
        except ApiError as error:
            code, message = error.status.code or 0, (error.status.message or str(error)).rstrip(".")
            if code == 404:
                raise SharesUnusable(f"There is no {self._where}.", "Upgrade the release, which makes it.") from None
            if code in (401, 403):
                raise SharesUnusable(
                    f"{self._where} may not be read or changed: {message}.", "Bind the chart's role to this account."
                ) from None
            raise SharesUnreachable(f"Kubernetes could not answer about {self._where}: {message}.") from None
        except httpx2.HTTPError as error:
            why = str(error).rstrip(".") or type(error).__name__
            raise SharesUnreachable(f"Kubernetes' API does not answer about {self._where}: {why}.") from None


@contextmanager
def open_configmap(namespace: str, name: str) -> Iterator[ConfigMapShares]:
    """The store of the pod that this is, or of the kubeconfig's present context.

    Raises:
        SharesUnusable: there is neither.
    """
    try:
        config = KubeConfig.from_env().get()
    except (ConfigError, OSError, KeyError, ValueError, YAMLError) as error:
        why = " ".join(str(error).split()).rstrip(".")
        raise SharesUnusable(
            f"The shares are in ConfigMap {namespace}/{name}, and no cluster is configured here: {why}.",
            "Set KUBECONFIG as for kubectl, or `shares` to `none`.",
        ) from None
    if config is None:
        raise SharesUnusable("The kubeconfig names no present context.", "Use `kubectl config use-context`.")
    with Client(config, namespace=namespace, timeout=httpx2.Timeout(CALL_SECONDS), trust_env=False) as client:
        yield ConfigMapShares(client, namespace, name)
