"""What the image is built from and how its services run, as files."""

from __future__ import annotations

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def test_what_the_image_is_built_from_is_there_and_not_ignored() -> None:
    lines = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = {name for line in lines if line.startswith("COPY ") and "--from" not in line for name in line.split()[1:-1]}
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"}
    assert copied == allowed and all((ROOT / name).exists() for name in copied)
    assert not (ROOT / "docker" / "__init__.py").exists()


def test_the_services_run_without_privileges() -> None:
    services = yaml.safe_load((ROOT / "docker" / "compose.yml").read_text(encoding="utf-8"))["services"]
    for name in ("shop", "shop-postgresql"):
        assert services[name]["read_only"] and services[name]["cap_drop"] == ["ALL"]
        assert services[name]["security_opt"] == ["no-new-privileges:true"]
    assert services["postgresql"]["profiles"] == services["shop-postgresql"]["profiles"] == ["postgresql"]
