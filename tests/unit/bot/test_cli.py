"""The command line as its users meet it: fast help, one-line errors, exit codes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "transformers", "faiss", "onnxruntime", "sklearn", "langchain", "langchain_core", "rasa_sdk", "sanic",
         "sqlalchemy", "aiohttp", "alembic", "numpy")


ABSENT = "are not available"


def shopclerk(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3]), "COLUMNS": "120", "NO_COLOR": "1"}
    return subprocess.run([sys.executable, "-m", "bot", *arguments], capture_output=True, text=True, cwd=cwd,
                          timeout=120, env=environment)


def one_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.startswith("shopclerk: ") and ABSENT not in line]
    assert len(lines) == 1, text
    return lines[0]


def test_help_loads_nothing_heavy() -> None:
    code = f"import sys; from bot.cli import build; build(); print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_names_the_commands() -> None:
    done = shopclerk("--help")
    assert done.returncode == 0 and ABSENT not in done.stderr
    for command in ("demo", "init", "serve", "chat", "actions", "doctor", "migrate", "key"):
        assert command in done.stdout


@pytest.mark.parametrize("arguments", [("nonsense",), ("serve", "--port", "x"), ("key", "create")])
def test_wrong_usage_exits_2(arguments: tuple[str, ...]) -> None:
    done = shopclerk(*arguments)
    assert done.returncode == 2 and "Traceback" not in done.stderr


def test_a_key_is_printed_once_and_listed_without_its_text(tmp_path: Path) -> None:
    scopes = ("--scope", "tracker", "--scope", "orders")
    made = shopclerk("key", "create", *scopes, "--name", "crm", "--dir", str(tmp_path))
    assert made.returncode == 0, made.stderr
    text = made.stdout.strip()
    key_id = text.split("_")[1]
    listed = shopclerk("key", "list", "--dir", str(tmp_path))
    assert key_id in listed.stdout and "crm" in listed.stdout and text not in listed.stdout
    assert shopclerk("key", "revoke", key_id, "--dir", str(tmp_path)).returncode == 0
    assert "revoked" in shopclerk("key", "list", "--dir", str(tmp_path)).stdout


def test_an_unknown_scope_is_one_line_and_exit_2(tmp_path: Path) -> None:
    done = shopclerk("key", "create", "--scope", "root", "--dir", str(tmp_path))
    assert done.returncode == 2 and "no scope 'root'" in one_line(done.stderr)


def test_a_wrong_setting_names_its_key(tmp_path: Path) -> None:
    (tmp_path / "shopclerk.toml").write_text("[server]\nport = 99999\n")
    done = shopclerk("serve", "--dir", str(tmp_path))
    assert done.returncode == 2 and "server.port" in one_line(done.stderr)
    (tmp_path / "shopclerk.toml").write_text("[sever]\nport = 80\n")
    assert "sever" in one_line(shopclerk("serve", "--dir", str(tmp_path)).stderr)


def test_a_taken_port_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = shopclerk("serve", "--dir", str(tmp_path), "--port", str(port))
        assert done.returncode == 2 and f"port {port} on 127.0.0.1 is in use" in one_line(done.stderr)
        demo = shopclerk("demo", "--dir", str(tmp_path / "demo"), "--port", str(port))
        assert demo.returncode == 2 and not (tmp_path / "demo").exists()


def test_a_shop_that_is_not_there(tmp_path: Path) -> None:
    done = shopclerk("serve", "--dir", str(tmp_path / "typo"))
    assert done.returncode == 2 and "no shop in" in one_line(done.stderr)


def test_several_workers_need_postgresql(tmp_path: Path) -> None:
    done = shopclerk("serve", "--dir", str(tmp_path), "--workers", "2")
    assert done.returncode == 2 and "PostgreSQL" in one_line(done.stderr)


def test_init_copies_the_assistant_and_never_overwrites(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    assert shopclerk("init", str(shop)).returncode == 0
    assert (shop / "assistant" / "policies" / "rules.yml").is_file()
    again = shopclerk("init", str(shop))
    assert again.returncode == 2 and "exists already" in one_line(again.stderr)
    assert sorted(p.name for p in shop.iterdir()) == ["assistant"]


def test_doctor_says_what_is_wrong_and_exits_1(tmp_path: Path) -> None:
    done = shopclerk("doctor", "--dir", str(tmp_path / "typo"), "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 1 and report["ok"] is False
    states = {finding["what"]: finding["state"] for finding in report["findings"]}
    assert states["Python"] == "ok" and states["sentence encoder"] == "ok" and states["store"] == "wrong"


def test_the_demo_refuses_another_shops_folder(tmp_path: Path) -> None:
    (tmp_path / "shop.db").write_bytes(b"")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    done = shopclerk("demo", "--dir", str(tmp_path), "--port", str(port))
    assert done.returncode == 2 and "another shop" in one_line(done.stderr)
