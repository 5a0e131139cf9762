# Everything that a developer and CI run. `make help` lists it.
# Needs: Python 3.11, make, and a package index that pip is configured for. Nothing else.

PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

# The newcomer's league: two simulated months, always the same ones.
LEAGUE := .backcourt/league
SEED   := 7
FIRST  := 2023-10-24
LAST   := 2023-12-23

# The dates that `make backfill` computes. A later start needs the season before it: run it once without dates.
START ?= $(FIRST)
END   ?= $(LAST)

# The kills of `make test-faults`, and the first seed: the same seeds kill the same processes at the same moments.
SERIAL_KILLS ?= 900
RAY_KILLS    ?= 100
KILLS_SEED   ?= 1

# The image that `make image` builds, with the local BigQuery in it, and `make test-cluster` tries.
# IMAGE_ARGS is what a build needs besides: a base image that can be had, for one.
IMAGE      ?= localhost/backcourt:tryout
ENGINE     ?= $(shell docker info >/dev/null 2>&1 && echo docker || command -v podman)
IMAGE_ARGS ?=
# How the image gets to the cluster, which has no registry: kind's way. Other clusters need another command.
LOAD ?= kind load docker-image $(IMAGE)

# A process for each core, and a file of tests at a time: a file shares a Ray or a server of its own.
PROCESSES := -n logical --maxprocesses 4 --dist loadfile

COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate

.DEFAULT_GOAL := help
.PHONY: help setup backfill test test-unit test-faults image test-image test-cluster lint lock chart clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv from the lock, with the emulator and the tools of a developer

# pip, not uv: it follows the index settings that the machine already has.
# The lock is complete, so nothing is resolved (--no-deps) and nothing unhashed is built (--no-build-isolation).
# compileall: where PYTHONDONTWRITEBYTECODE is set, each of a run's twenty processes would compile the code anew.
# The emulator needs DuckDB's spatial extension; installing it once from its wheel lets it start offline.
$(READY): requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes --only-binary :all: -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q backcourt jobs nba ray_tasks
	$(BIN)/python -c 'import duckdb_extensions; duckdb_extensions.import_extension("spatial")'
	@touch $@

backfill: $(LEAGUE)/schedule_2023_24.parquet ## simulate two months of games, ingest and backfill them on this machine
	$(BIN)/backcourt ingest --source folder:$(LEAGUE) --yes
	$(BIN)/backcourt backfill --start $(START) --end $(END) --yes

$(LEAGUE)/schedule_2023_24.parquet: | $(READY)
	$(BIN)/backcourt simulate --to $(LEAGUE) --seed $(SEED) --start $(FIRST) --end $(LAST)

test: $(READY) ## run every test that needs no cluster, but for the slow ones of test-faults
	$(BIN)/python -m pytest -q $(PROCESSES) -m "not slow" tests

test-unit: $(READY) ## run the tests that need neither Ray nor a server
	$(BIN)/python -m pytest -q $(PROCESSES) tests/unit

test-faults: $(READY) ## kill everything that can die, a thousand times (SERIAL_KILLS, RAY_KILLS; about an hour)
	$(BIN)/python -m tests.faults.kills --pool serial --kills $(SERIAL_KILLS) --seed $(KILLS_SEED)
	$(BIN)/python -m tests.faults.kills --pool ray --kills $(RAY_KILLS) --seed $(KILLS_SEED)
	BACKCOURT_MANY_WORKERS=$${BACKCOURT_MANY_WORKERS:-32} \
		$(BIN)/python -m pytest -q -m slow tests/faults tests/integration

lint: $(READY) ## check style, types and who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lock: ## write requirements/*.txt anew from pyproject.toml
	$(COMPILE) -o requirements/base.txt
	$(COMPILE) --extra local -o requirements/local.txt
	$(COMPILE) --extra local --extra dev -o requirements/dev.txt
	$(subst pyproject.toml,--group build,$(COMPILE)) -c requirements/dev.txt -o requirements/build.txt

# Needs helm and helm-docs (go install helm.sh/helm/v4/cmd/helm@latest github.com/norwoodj/helm-docs/cmd/helm-docs@latest).
chart: ## write the chart's README and the manifests of k8s/ anew
	helm-docs --chart-search-root helm/backcourt --log-level warning
	helm template backcourt helm/backcourt --namespace backcourt --values k8s/values.yaml --skip-tests --output-dir dist/k8s
	cp dist/k8s/backcourt/templates/*.yaml k8s/
	mv k8s/rayjob.yaml k8s/backfill/

image: ## build the image from the checkout by Docker or Podman
	$(if $(ENGINE),,$(error No Docker engine answers and there is no Podman: install one, or name it in ENGINE))
	$(ENGINE) build -t $(IMAGE) --build-arg REQUIREMENTS=local --build-arg BACKCOURT_COMMIT=$$(git rev-parse HEAD) $(IMAGE_ARGS) .

test-image: $(READY) image ## build the image and try it alone
	BACKCOURT_TEST_IMAGE=$(IMAGE) BACKCOURT_ENGINE=$(ENGINE) $(BIN)/python -m pytest -q tests/image

# Needs kubectl and helm, KUBECONFIG, and an image that the cluster gets by LOAD.
# BACKCOURT_TEST_KUBERAY=1 where KubeRay's operator runs, BACKCOURT_TEST_RAYCRONJOB=1 where it has the feature gate
# RayCronJob; BACKCOURT_TEST_DNS=ADDRESS where DNS is no pod of kube-system.
test-cluster: $(READY) ## build the image and try it and the chart on the cluster that KUBECONFIG names
	$(if $(ENGINE),$(MAKE) image && $(LOAD),@echo "No Docker and no Podman here: the cluster's own $(IMAGE) is tried.")
	BACKCOURT_TEST_IMAGE=$(IMAGE) $(BIN)/python -m pytest -q -m cluster --override-ini timeout=1800 tests/cluster

clean: ## remove caches and the simulated league; .venv stays
	rm -rf .backcourt .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
