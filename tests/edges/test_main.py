"""The `wasl` command itself: quick to help, clear in refusing."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from wasl.edges.cli.home import CHECKOUT
from wasl.edges.cli.main import COMMANDS, Commands, main


def commands() -> list[str]:
    assert isinstance(main, Commands)
    return main.list_commands(main.make_context("wasl", ["doctor"]))


def test_help_lists_every_command_with_its_sentence() -> None:
    said = CliRunner().invoke(main, ["--help"]).output
    for name in commands():
        assert name in said
        assert COMMANDS[name].sentence in said


@pytest.mark.parametrize("name", commands())
def test_every_command_explains_itself(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert len(result.output.splitlines()) > 4


def test_help_imports_no_framework() -> None:
    script = (
        "import sys\n"
        "from wasl.edges.cli.main import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "print(sorted({'django', 'granian', 'numpy', 'psycopg'} & set(sys.modules)))\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"


def test_an_unknown_command_is_refused() -> None:
    result = CliRunner().invoke(main, ["nonsense"])
    assert result.exit_code == 2
    assert "nonsense" in result.output


@pytest.mark.parametrize("port", ["http", "-1", "8000.0", "0", "65536"])
def test_a_port_that_is_none_is_refused_by_its_name(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WASL_HTTP_PORT", port)
    result = CliRunner().invoke(main, ["serve"])
    assert result.exit_code == 1
    assert "WASL_HTTP_PORT" in result.output


def test_an_address_that_is_not_ours_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WASL_HTTP_HOST", "192.0.2.1")
    result = CliRunner().invoke(main, ["serve"])
    assert result.exit_code == 1
    assert "192.0.2.1" in result.output
