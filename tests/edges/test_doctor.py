"""`wasl doctor`: each thing that is wrong is found, with what mends it."""

import datetime
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connection as django_connection

from tests.edges.scenes import free_port
from wasl.edges.cli import doctor_database as asked
from wasl.edges.cli import doctor_machine as seen
from wasl.edges.cli.findings import Finding
from wasl.edges.cli.running import hold
from wasl.edges.cli.translations import compile_translations
from wasl.edges.cli.up import services

PO = """
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

msgid "Patient"
msgstr "{word}"
"""


@pytest.fixture
def tables(db: None) -> Iterator[asked.Rows]:
    """A connection to the tests' database of which nothing stays."""
    settings = django_connection.settings_dict
    with psycopg.connect(
        dbname=settings["NAME"], user=settings["USER"], password=settings["PASSWORD"], host=settings["HOST"]
    ) as connection:
        for table in ("procrastinate_periodic_defers", "procrastinate_events", "procrastinate_jobs"):
            connection.execute(f"delete from {table}")  # what other tests left to no worker
        connection.commit()
        yield connection
        connection.rollback()


# the machine


def test_a_port_of_ours_and_a_port_of_others(tmp_path: Path) -> None:
    port = free_port()

    def look() -> Finding:
        return seen.port_finding(tmp_path, "serve", "127.0.0.1", port, "WASL_HTTP_PORT")

    assert not look().mend
    with socket.create_server(("127.0.0.1", port)):
        assert "WASL_HTTP_PORT" in look().mend
        with hold(tmp_path, "serve"):
            assert not look().mend
    with hold(tmp_path, "serve"):
        assert "WASL_HTTP_PORT" in look().mend


def test_the_port_of_hospitals_systems_is_looked_at_once_it_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WASL_HL7_PORT", raising=False)
    assert not [found for found in seen.machine_findings(tmp_path) if "hl7" in found.what]
    assert "hl7" not in services()
    monkeypatch.setenv("WASL_HL7_PORT", str(free_port()))
    assert [found.mend for found in seen.machine_findings(tmp_path) if "hl7" in found.what] == [""]
    assert "hl7" in services()


def test_storage_that_cannot_be_written(tmp_path: Path) -> None:
    assert "free" in seen.storage_finding(tmp_path / "storage").what
    assert seen.storage_finding(Path("/proc/storage")).mend


def test_storage_without_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "LEAST_FREE", 1 << 60)
    assert "WASL_STORAGE" in seen.storage_finding(tmp_path).mend


def test_a_secret_open_to_others(tmp_path: Path) -> None:
    secret = tmp_path / "django.secret"
    secret.touch(0o600)
    assert not seen.secrets_finding(tmp_path).mend
    secret.chmod(0o640)
    assert f"chmod 600 {secret}" in seen.secrets_finding(tmp_path).mend


def test_translations_that_are_stale(tmp_path: Path) -> None:
    french = tmp_path / "fr"
    french.mkdir()
    french.joinpath("patients.po").write_text(PO.format(word="Malade"))
    assert "fr" in seen.translations_finding(tmp_path).what
    assert compile_translations(tmp_path) == ["fr"]
    assert not seen.translations_finding(tmp_path).mend
    assert compile_translations(tmp_path) == []
    later = datetime.datetime.now(datetime.UTC).timestamp() + 10
    os.utime(french / "patients.po", (later, later))
    assert seen.translations_finding(tmp_path).mend


def test_static_files_that_are_missing(tmp_path: Path) -> None:
    assert seen.static_finding(tmp_path).mend
    tmp_path.joinpath("static").mkdir()
    tmp_path.joinpath("static/staticfiles.json").touch()
    assert not seen.static_finding(tmp_path).mend


# the database


def test_a_database_that_is_away() -> None:
    (finding,) = asked.database_findings("postgresql://wasl@/wasl?host=/nowhere")
    assert "does not answer" in finding.what
    assert finding.mend


def test_a_database_that_is_well(tables: asked.Rows) -> None:
    findings = [*asked.database_findings(tables.info.dsn + f" password={tables.info.password}")]
    assert [finding for finding in findings if finding.mend] == []
    assert [finding.topic for finding in findings] == ["database", "clock", "migrations", "queue", "jobs", "demo"]


def test_a_clock_that_runs_elsewhere(tables: asked.Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not asked.clock_finding(tables).mend
    monkeypatch.setattr(asked, "DRIFT", datetime.timedelta(0))
    assert "NTP" in asked.clock_finding(tables).mend


def test_a_database_that_is_too_old(tables: asked.Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked, "OLDEST", 99)
    assert "99" in asked.version_finding(tables).mend


def test_a_migration_that_is_not_applied(tables: asked.Rows) -> None:
    tables.execute("delete from django_migrations where app = 'patients'")
    assert "wasl migrate" in asked.migrations_finding(tables).mend
    tables.execute("drop table django_migrations")
    assert "wasl migrate" in asked.migrations_finding(tables).mend


def test_a_job_that_waits(tables: asked.Rows) -> None:
    queue_job(tables, "todo", "now() + interval '1 hour'")
    assert not asked.queue_finding(tables).mend
    queue_job(tables, "todo", "null")
    assert not asked.queue_finding(tables).mend
    tables.execute("update procrastinate_events set at = now() - interval '6 minutes'")
    assert "1 jobs" in asked.queue_finding(tables).what
    queue_job(tables, "todo", "now() - interval '6 minutes'")
    assert "2 jobs" in asked.queue_finding(tables).what


def test_a_job_that_failed(tables: asked.Rows) -> None:
    assert not asked.failed_finding(tables).mend
    queue_job(tables, "failed", "null")
    assert asked.failed_finding(tables).mend


def test_demo_people_outside_the_demo(tables: asked.Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WASL_DEMO", raising=False)
    assert not asked.demo_finding(tables).mend
    tables.execute(
        """
        insert into accounts_person (id, created_at, password, username, given_name, family_name, given_name_ar,
            family_name_ar, email, phone, language, dark, is_active, demo)
        values (gen_random_uuid(), now(), '!', 'demo.person', '', '', '', '', '', '', 'fr', false, true, true)
        """
    )
    assert asked.demo_finding(tables).mend
    monkeypatch.setenv("WASL_DEMO", "1")
    assert not asked.demo_finding(tables).mend


def queue_job(tables: asked.Rows, status: str, scheduled: str) -> None:
    tables.execute(
        f"""
        insert into procrastinate_jobs (queue_name, task_name, status, scheduled_at)
        values ('facts', 'tell', '{status}', {scheduled})
        """.encode()
    )
