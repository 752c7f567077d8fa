# The gateway alone in a small image: built on Debian 13, run as nobody in particular, with a root file system that may be
# read-only. Configuration comes in at /etc/sallyport/gateway.yaml, state (SQLite, keys) lies in the volume /var/lib/sallyport.
#   docker build -t sallyport .
#   docker run --read-only -p 8080:8080 -v ./gateway.yaml:/etc/sallyport/gateway.yaml:ro -v state:/var/lib/sallyport sallyport
ARG BASE=debian:trixie-slim

FROM ${BASE} AS build
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      g++ cmake ninja-build pkg-config mold libboost-dev libssl-dev libhiredis-dev libyaml-cpp-dev libsqlite3-dev \
      libargon2-dev libcrypt-dev libpq-dev libspdlog-dev libcli11-dev prometheus-cpp-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY CMakeLists.txt CMakePresets.json ./
COPY config config
COPY auth auth
COPY gateway gateway
RUN cmake --preset release -DSALLYPORT_TESTS=OFF \
 && cmake --build build/release --target sallyport \
 && strip build/release/sallyport

FROM ${BASE}
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      ca-certificates libssl3t64 libhiredis1.1.0 libyaml-cpp0.8 libspdlog1.15 libprometheus-cpp-core1.0 libsqlite3-0 libargon2-1 libcrypt1 libpq5 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/cache/debconf/*-old /var/log/* \
 && install -d -o 10001 -g 10001 -m 0700 /var/lib/sallyport \
 && install -d /etc/sallyport
COPY --from=build /src/build/release/sallyport /usr/bin/sallyport
COPY LICENSE /usr/share/doc/sallyport/LICENSE
USER 10001:10001
WORKDIR /var/lib/sallyport
VOLUME /var/lib/sallyport
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["sallyport", "ping", "--config", "/etc/sallyport/gateway.yaml"]
ENTRYPOINT ["sallyport"]
CMD ["serve", "--config", "/etc/sallyport/gateway.yaml"]
