"""`wasl edge`: its configuration file becomes settings, and what is wrong in it is named."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.edges.sites import MACHINE
from wasl.edges.cli import edge_config
from wasl.edges.cli.edge import edge


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("nonsense", "no TOML"),
        ("[pages]\ncolour = 3", "pages.colour"),
        ("[[machines]]\nname = 'x'", "ae_title"),
        ("[[machines]]\nname = 'x'\nae_title = 3", "wrong kind"),
    ],
)
def test_a_wrong_configuration_is_named(tmp_path: Path, said: str, why: str) -> None:
    path = tmp_path / "edge.toml"
    path.write_text(said)
    result = CliRunner().invoke(edge, ["--config", str(path), "run"])
    assert result.exit_code == 1
    assert why in result.output


def test_what_the_file_says_becomes_settings(tmp_path: Path) -> None:
    path = tmp_path / "edge.toml"
    path.write_text('data = "/srv/w"\n[pages]\nnames = ["a", "b"]\nhttps = true\n[keep]\nreserve = 2.5\n' + MACHINE)
    settings, machines = edge_config.read(path)
    assert settings == {
        "WASL_DATA": "/srv/w", "WASL_HOSTS": "a,b", "WASL_HTTPS": "1", "WASL_RESERVE_GB": "2.5",
    }  # fmt: skip
    assert machines == [{"ae_title": "CT_OUEDZEN", "name": "Scanner, salle 1", "modality": "CT"}]
