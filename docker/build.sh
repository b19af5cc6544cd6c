#!/usr/bin/env bash
# Builds the image with Docker, else with buildah: docker/build.sh [TAG] [further options of the builder].
# An index of one's own: PIP_CONF=FILE is handed over as a secret and does not become part of the image.
set -euo pipefail
cd "$(dirname "$0")/.."

tag="${1:-shopclerk:latest}"
shift || true
options=(--file docker/Dockerfile --tag "$tag")
[[ -n "${PIP_CONF:-}" ]] && options+=(--secret "id=pip,src=$PIP_CONF")

if command -v docker >/dev/null && docker info >/dev/null 2>&1; then
    DOCKER_BUILDKIT=1 exec docker build "${options[@]}" "$@" .
elif command -v buildah >/dev/null; then
    # chroot needs no kernel that allows new namespaces; the Docker format keeps the health check
    exec buildah ${STORAGE_DRIVER:+--storage-driver "$STORAGE_DRIVER"} bud --isolation "${BUILDAH_ISOLATION:-chroot}" \
        --format docker "${options[@]}" "$@" .
else
    echo "neither Docker nor buildah is here: install one of them (on Debian: apt-get install buildah)" >&2
    exit 2
fi
