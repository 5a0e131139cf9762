# syntax=docker/dockerfile:1
# One image for every pod: Ray's head and workers, the submitter, CronJobs, and (REQUIREMENTS=local) the local BigQuery.
#
#   docker build -t backcourt --build-arg BACKCOURT_COMMIT=$(git rev-parse HEAD) .
#   docker build -t backcourt:tryout --build-arg REQUIREMENTS=local .
ARG BASE_IMAGE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS build
# base: what runs against Google. local: the emulator too.
ARG REQUIREMENTS=base
WORKDIR /build
# The venv has no pip of its own: pip stays in this stage and installs from outside. It compiles what it installs: the
# root is read-only later, and compiling Ray anew in every worker would take seconds.
RUN python3 -m venv tools && python3 -m venv --without-pip /opt/backcourt
COPY requirements/ requirements/
RUN tools/bin/python -m pip --python /opt/backcourt/bin/python install --no-cache-dir --no-deps \
      --require-hashes --only-binary :all: -r requirements/${REQUIREMENTS}.txt \
 && tools/bin/python -m pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: \
      -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY backcourt/ backcourt/
COPY ray_tasks/ ray_tasks/
COPY jobs/ jobs/
COPY nba/ nba/
RUN tools/bin/python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir dist . \
 && tools/bin/python -m pip --python /opt/backcourt/bin/python install --no-cache-dir --no-deps dist/*.whl
# Nothing at run time reads these: test suites, headers, Ray for Java, its reinforcement learning and language models,
# Arrow's own network protocol and its client of Amazon's storage (Google's is opened by gcsfs).
RUN cd /opt/backcourt/lib/python3.11/site-packages \
 && rm -rf pyarrow/include ray/include ray/jars ray/rllib ray/llm \
      pyarrow/lib*flight* pyarrow/_flight* pyarrow/libarrow_s3* pyarrow/_s3fs* \
 && find . -type d -name tests ! -path './ray/*' -prune -exec rm -rf {} +

FROM ${BASE_IMAGE}
ARG BACKCOURT_COMMIT=""
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="backcourt" \
      org.opencontainers.image.description="Backfill BigQuery date partitions on Ray: bounded, covered, committed once." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${BACKCOURT_COMMIT}"
# With one arena of malloc for each of its 40 threads, a driver keeps twice the memory for each partition.
# Ray asks who it runs as, so the user has a name. Everything that is written goes to /tmp: the root can be read-only.
RUN groupadd --gid 10001 backcourt && useradd --uid 10001 --gid 10001 --home-dir /tmp --no-create-home backcourt
COPY --from=build /opt/backcourt /opt/backcourt
ENV PATH=/opt/backcourt/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    RAY_USAGE_STATS_ENABLED=0 \
    MALLOC_ARENA_MAX=2 \
    BACKCOURT_COMMIT=${BACKCOURT_COMMIT} \
    BACKCOURT_RUN_FOLDER=/tmp/backcourt/runs \
    BACKCOURT_LOCAL_FOLDER=/tmp/backcourt/warehouse
WORKDIR /tmp
USER 10001:10001
HEALTHCHECK --interval=1m --timeout=10s CMD ["backcourt", "version"]
CMD ["backcourt", "--help"]
