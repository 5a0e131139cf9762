"""What the pods of the chart may do: their rights, the tokens they are given, and whom they reach."""

from typing import Any

import pytest
import yaml

from tests.unit.chart.rendering import (
    EVERYTHING,
    PROJECT,
    TRYOUT,
    all_pod_specs,
    containers,
    objects,
    one,
    pod_specs,
    text,
)


def test_every_pod_fits_the_restricted_standard() -> None:
    specs = all_pod_specs()
    # three CronJobs, helm test, local BigQuery, league, and head, worker and submitter, of a RayJob and a RayCronJob
    assert len(specs) == 3 + 3 + 3 + 3
    for where, spec in specs.items():
        pod = spec["securityContext"]
        assert pod["runAsNonRoot"] is True, where
        assert pod["runAsUser"] == 10001, where
        assert pod["seccompProfile"] == {"type": "RuntimeDefault"}, where
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec), where
        assert all(set(v) - {"name"} <= {"emptyDir", "configMap", "secret"} for v in spec["volumes"]), where
        for container in containers(spec):
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False, where
            assert security["readOnlyRootFilesystem"] is True, where
            assert security["capabilities"] == {"drop": ["ALL"]}, where


def test_every_container_says_what_it_needs() -> None:
    for where, spec in all_pod_specs().items():
        for container in containers(spec):
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}, where
            assert container["resources"]["limits"]["memory"] == container["resources"]["requests"]["memory"], where
        sized = [v["emptyDir"] for v in spec["volumes"] if "emptyDir" in v and v["name"] == "tmp"]
        assert sized, where
        assert all("sizeLimit" in directory for directory in sized), where


def with_token(specs: dict[str, dict[str, Any]]) -> set[str]:
    return {where for where, spec in specs.items() if spec["automountServiceAccountToken"]}


def test_only_the_pods_of_runs_are_given_a_token_of_kubernetes() -> None:
    found = with_token(all_pod_specs())
    assert {where for where in found if "headGroupSpec" not in where} == {
        "CronJob/backcourt-daily/jobTemplate/spec/template/spec"
    }
    assert len(found) == 1 + 2  # the heads of a RayJob and a RayCronJob
    assert one("ServiceAccount", PROJECT)["automountServiceAccountToken"] is False


def test_without_shares_no_pod_is_given_a_token_and_nothing_is_granted() -> None:
    alone = objects(*EVERYTHING, "shares.enabled=false")
    assert with_token(pod_specs(alone)) == set()
    assert not [o for o in alone if "Role" in o["kind"] or o["metadata"]["name"].endswith(("-shares", "-kubernetes"))]
    assert (
        yaml.safe_load(one("ConfigMap", PROJECT, "shares.enabled=false", ending="-settings")["data"]["settings.yaml"])[
            "shares"
        ]
        == "none"
    )


def test_only_the_autoscaler_asks_kubernetes_for_pods() -> None:
    job = one("RayJob", PROJECT, "backfill.enabled=true", "workers.autoscaling.enabled=true")["spec"]["rayClusterSpec"]
    assert job["headGroupSpec"]["template"]["spec"]["automountServiceAccountToken"] is True
    assert job["workerGroupSpecs"][0]["template"]["spec"]["automountServiceAccountToken"] is False
    assert job["autoscalerOptions"]["version"] == "v2"
    assert job["autoscalerOptions"]["securityContext"]["readOnlyRootFilesystem"] is True


def test_runs_may_read_and_change_the_shares_and_nothing_else() -> None:
    role, binding = one("Role", *EVERYTHING), one("RoleBinding", *EVERYTHING)
    shares = one("ConfigMap", *EVERYTHING, ending="-shares")["metadata"]["name"]
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": [shares], "verbs": ["get", "update"]}
    ]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "backcourt", "namespace": "backcourt"}]
    kinds = {o["kind"] for o in [*objects(*EVERYTHING), *objects("backfill.enabled=true", values=TRYOUT)]}
    assert not {kind for kind in kinds if "ClusterRole" in kind}


def test_the_shares_are_kept_and_never_written_by_the_chart() -> None:
    shares = one("ConfigMap", PROJECT, ending="-shares")
    assert shares["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert "data" not in shares
    settings = yaml.safe_load(one("ConfigMap", PROJECT, ending="-settings")["data"]["settings.yaml"])
    assert settings["shares"] == "configmap:backcourt/backcourt-shares"


def test_a_second_release_may_use_the_shares_of_the_first() -> None:
    second = (PROJECT, "shares.configMap=first-backcourt-shares")
    assert not [o for o in objects(*second) if o["kind"] == "ConfigMap" and o["metadata"]["name"].endswith("-shares")]
    assert one("Role", *second)["rules"][0]["resourceNames"] == ["first-backcourt-shares"]
    settings = yaml.safe_load(one("ConfigMap", *second, ending="-settings")["data"]["settings.yaml"])
    assert settings["shares"] == "configmap:backcourt/first-backcourt-shares"


def test_who_has_no_token_is_not_told_to_ask_for_the_shares() -> None:
    without = 0
    for where, spec in all_pod_specs().items():
        for container in containers(spec):
            command = [*container.get("command", []), *container.get("args", []), "", ""][1]
            if command in ("daily", "backfill", "ingest", "status") and not spec["automountServiceAccountToken"]:
                without += 1
                assert {"name": "BACKCOURT_SHARES", "value": "none"} in container.get("env", []), where
    assert without == 2  # the try-out's ingestion, and `helm test`


def test_no_secret_is_in_an_environment_or_an_argument() -> None:
    for where, spec in all_pod_specs().items():
        for container in containers(spec):
            for variable in container.get("env", []):
                assert "valueFrom" not in variable, where
                assert variable["name"] != "RAY_AUTH_TOKEN" or variable["value"] == "", where
    token = one("Secret", PROJECT)["data"]["auth_token"]
    assert text(PROJECT, values=()).count(token) == 1


def test_the_network_policy_names_both_directions_and_no_open_port() -> None:
    spec = one("NetworkPolicy", PROJECT, ending="backcourt")["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert all(rule.get("from") for rule in spec["ingress"])
    assert all(rule.get("to") for rule in spec["egress"])
    blocks = {to["ipBlock"]["cidr"] for rule in spec["egress"] for to in rule["to"] if "ipBlock" in to}
    assert blocks == {
        "199.36.153.8/30",
        "199.36.153.4/30",
        "169.254.169.254/32",
        "169.254.169.252/32",
        "169.254.20.10/32",
    }


@pytest.mark.parametrize("asking", ["shares.enabled=true", "workers.autoscaling.enabled=true"])
def test_only_runs_and_the_autoscaler_may_reach_kubernetes(asking: str) -> None:
    settings = (PROJECT, "shares.enabled=false", asking, "networkPolicy.apiServerCidrs={10.1.2.3/32}")
    spec = one("NetworkPolicy", *settings, ending="-kubernetes")["spec"]
    runs = ["head", "daily"] if "shares" in asking else ["head"]
    assert spec["podSelector"]["matchExpressions"] == [
        {"key": "app.kubernetes.io/component", "operator": "In", "values": runs}
    ]
    assert spec["policyTypes"] == ["Egress"]
    assert [to["ipBlock"]["cidr"] for rule in spec["egress"] for to in rule["to"]] == ["10.1.2.3/32"]
    neither = objects(PROJECT, "shares.enabled=false")
    assert len([o for o in neither if o["kind"] == "NetworkPolicy"]) == 1


def test_pods_reach_the_webhook_where_one_is_set_and_only_there() -> None:
    def open_blocks(*settings: str) -> list[str]:
        egress = one("NetworkPolicy", PROJECT, *settings, ending="backcourt")["spec"]["egress"]
        return [to["ipBlock"]["cidr"] for rule in egress for to in rule["to"] if "ipBlock" in to]

    assert "0.0.0.0/0" not in open_blocks()
    assert "0.0.0.0/0" in open_blocks("alerts.webhookSecret=slack")
    assert "203.0.113.0/24" in open_blocks("alerts.webhookSecret=slack", "alerts.cidrs={203.0.113.0/24}")


def test_pods_ask_the_dns_that_is_named() -> None:
    egress = one("NetworkPolicy", PROJECT, "networkPolicy.dnsCidrs={10.1.2.3/32}", ending="backcourt")["spec"]["egress"]
    (dns,) = [rule for rule in egress if {"port": 53, "protocol": "UDP"} in rule.get("ports", [])]
    assert [to["ipBlock"]["cidr"] for to in dns["to"] if "ipBlock" in to] == ["10.1.2.3/32"]
    assert (
        one("NetworkPolicy", PROJECT, ending="backcourt")["spec"]["egress"][1]["to"][1]["ipBlock"]["cidr"]
        == "169.254.20.10/32"
    )
