# syntax=docker/dockerfile:1
# Millrace as a small image: the program, six libraries and the shipped topologies.
#
#   docker build -t millrace .
#   docker run --rm -e KAFKA_BROKERS=... -e DATABASE_URL=... -v ./topologies:/topologies:ro millrace run /topologies/game_kpis.yaml

FROM swift:6.3-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends libmaxminddb-dev libpq-dev librdkafka-dev libre2-dev libsimdjson-dev libssl-dev pkg-config zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
# The Swift runtime is linked in; C libraries are not, so that the distribution's security updates reach them.
RUN --mount=type=cache,target=/source/.build,sharing=locked \
    swift build --configuration release --product millrace --static-swift-stdlib \
    && install -D --strip .build/release/millrace /staging/millrace

FROM debian:bookworm-slim
# ca-certificates: TLS to brokers and databases. The listener has a certificate of its own, if any.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libmaxminddb0 libpq5 librdkafka1 libre2-9 libsimdjson14 libssl3 tzdata zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin millrace
COPY --from=build /staging/millrace /usr/local/bin/millrace
COPY topologies/ /topologies/
USER 10001
# SIGTERM makes it write what it has, commit and end.
STOPSIGNAL SIGTERM
ENTRYPOINT ["millrace"]
CMD ["--help"]
