"""How fast is somebody found among everybody known, and how fast is somebody entered?

    PYTHONPATH=. .venv/bin/python bench/register.py
    PEOPLE=1000000 PYTHONPATH=. .venv/bin/python bench/register.py

On a database of its own, with invented people entered as `wasl patients match --load` enters them, a part of whose
records is kept back. Those are asked about over HTTP by one client after the other (`Patient/$match`), then entered as
a desk registers people (`register_patient`, each with its commit) and as a hospital's system tells of them
(`receive_record`), by two processes at once. The database does not wait for the disk (fsync is off): a commit costs
what the machine computes, and a disk's flush comes on top. Nothing is asserted.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from bench.blank import blank
from bench.figures import note
from bench.population import World, records
from wasl.patients.rules.matching.records import COLUMNS

PEOPLE = int(os.environ.get("PEOPLE", "100000"))
ASKED, ENTERED, PROCESSES = 1_000, 400, 2
PLAY = """
import json, sys, django
django.setup()
from bench import register
print(json.dumps(getattr(register, sys.argv[1])(*map(json.loads, sys.argv[2:]))))
"""
Row = list[str]


def main() -> None:
    """Measure, print, and keep the figures."""
    with blank() as env:
        env |= {"PEOPLE": str(PEOPLE), "PYTHONPATH": "."}
        begun = time.perf_counter()
        loaded = _played(env, "load")
        print(f"{loaded['records']} records of {loaded['patients']} people entered by COPY in "
              f"{time.perf_counter() - begun:.0f} s; {loaded['index']}")  # fmt: skip
        print("statements of one call:", json.dumps(_played(env, "statements")))
        for name, (p50, p95, p99, right) in _asked(env, loaded["token"]).items():
            print(
                f"$match over HTTP, {name}: p50 {p50:.1f} ms, p95 {p95:.1f}, p99 {p99:.1f}; right one first {right:.3f}"
            )
            note(f"match {name} p95 ms", p95, size=loaded["records"])
        for verb in ("register", "receive"):
            rate = _entered(env, verb)
            print(f"{verb}: {rate:.0f} a second, {PROCESSES} processes, each with its commit")
            note(f"{verb} a second", rate, size=loaded["records"])


def load() -> dict[str, Any]:
    """Enter everybody but those kept back; answers how many, how large the tables are, and a token for the service."""
    from django.db import connection

    from tests.cast import cast
    from tests.edges.foreign import token
    from wasl.kernel.access import SYSTEM
    from wasl.patients import services

    stage = cast()
    people: dict[int, list[services.Saying]] = {}
    for row, person, kept in _rows():
        if not kept:
            place = (stage.regional, stage.university, stage.other)[person % 3]
            people.setdefault(person, []).append(services.Saying(_said(row), place, row[0]))
    order = list(people.values())
    for at in range(0, len(order), 2_000):
        services.load_patients(order[at : at + 2_000], by=SYSTEM)
    services.count_rarity(by=SYSTEM)
    with connection.cursor() as cursor:
        cursor.execute("vacuum analyze")
        cursor.execute("""select string_agg(relname || ' ' || pg_size_pretty(pg_total_relation_size(oid)), ', ')
                          from pg_class where relname like 'patients_record%%' and relkind = 'r'""")  # fmt: skip
        (sizes,) = cursor.fetchone()
    bearer = token("bench", "fhir.read", place=stage.regional)["authorization"]
    return {"records": sum(map(len, order)), "patients": len(order), "index": sizes, "token": bearer}


def truth(persons: list[int]) -> dict[str, str]:
    """The patient of each person of whom a record was kept back."""
    from wasl.patients.models import SourceIdentity

    wanted, of = set(persons), {}
    for row, person, kept in _rows():
        if not kept and person in wanted:
            of[row[0]] = person
    rows = SourceIdentity.objects.filter(kind="local", value__in=of).values_list("value", "patient")
    return {str(of[value]): str(patient) for value, patient in rows}


def statements() -> dict[str, int]:
    """How many statements one call makes of the database."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from wasl.kernel.access import SYSTEM
    from wasl.patients import queries, services
    from wasl.patients.models import SourceRecord

    said = _said(next(row for row, _, kept in _rows() if kept))
    place = SourceRecord.objects.values_list("place", flat=True)[0]
    new = {"given_name": "Tasnime", "family_name": "Zghonda", "birth_date": _day("1991-02-03"), "by": SYSTEM}
    acts: dict[str, Callable[[], object]] = {
        "match": lambda: queries.match(said, viewer=SYSTEM),
        "register_patient": lambda: services.register_patient(place=place, identities=[("local", "B-0")], **new),
        "receive_record": lambda: services.receive_record(place=place, local_id="B-1", said=said, by=SYSTEM),
    }
    counted = {}
    for name, act in acts.items():
        with CaptureQueriesContext(connection) as made:
            act()
        counted[name] = len(made)
    return counted


def enter(verb: str, process: int, start: float) -> float:
    """Enter some people, begun together with the other processes; answers how long it took."""
    from wasl.kernel.access import SYSTEM
    from wasl.patients import services
    from wasl.patients.models import SourceRecord
    from wasl.patients.rules.matching import saying

    place = SourceRecord.objects.values_list("place", flat=True)[0]
    mine = [row for row, _, kept in _rows() if kept][process::PROCESSES][:ENTERED]
    time.sleep(max(0.0, start - time.time()))
    begun = time.perf_counter()
    for at, row in enumerate(mine):
        number = f"{verb}-{process}-{at}"
        if verb == "receive":
            services.receive_record(place=place, local_id=number, said=_said(row), by=SYSTEM)
        else:
            values, numbers = saying.person(_said(row))
            values |= {
                "family_name": values["family_name"] or "Zghonda",
                "birth_date": values.get("birth_date") or _day(),
            }
            services.register_patient(place=place, identities=[*numbers, ("local", number)], by=SYSTEM, **_fit(values))
    return (time.perf_counter() - begun) / len(mine)


def _fit(values: dict[str, object]) -> dict[str, object]:
    """What a clerk could have typed of an invented record."""
    from django.utils import timezone

    from wasl.patients import rules

    fit = rules.readable(values, today=timezone.localdate())
    return fit if fit["kind"] == "known" else {**fit, "kind": "known", "family_name": "Zghonda"}


def _entered(env: dict[str, str], verb: str) -> float:
    start = time.time() + 5 + PEOPLE / 20_000  # when every process has made its people
    begun = [_begun(env, "enter", verb, process, start) for process in range(PROCESSES)]
    return sum(1 / float(_answer(process)) for process in begun)


def _asked(env: dict[str, str], bearer: str) -> dict[str, tuple[float, float, float, float]]:
    """Ask about records kept back, each with its truth: who has another record there, and who has none."""
    rows = list(_rows())
    there = {person for _, person, kept in rows if not kept}
    known = [(row, person) for row, person, kept in rows if kept and person in there][:ASKED]
    new = [(row, person) for row, person, kept in rows if kept and person not in there][:ASKED]
    patients = _played(env, "truth", [person for _, person in known])
    port = 18_743
    with subprocess.Popen(
        [sys.executable, "-m", "wasl", "serve"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**env, "WASL_HTTP_PORT": str(port), "WASL_HTTP_WORKERS": "1"},
    ) as server:  # fmt: skip
        try:
            headers = {"authorization": bearer}
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:
                _wait(client)
                _ask(client, known[-50:], patients)  # so that caches are as they are at work
                return {"of who is known": _ask(client, known, patients), "of who is new": _ask(client, new, patients)}
        finally:
            server.terminate()


def _ask(
    client: httpx.Client, asked: list[tuple[Row, int]], patients: dict[str, str]
) -> tuple[float, float, float, float]:
    times, right = [], 0
    for row, person in asked:
        body = _question(row)
        begun = time.perf_counter()
        answer = client.post("/fhir/Patient/$match", json=body)
        times.append((time.perf_counter() - begun) * 1000)
        answer.raise_for_status()
        entries = answer.json().get("entry", [])
        first = entries[0]["resource"]["id"] if entries else None
        right += first == patients.get(str(person))
    cuts = statistics.quantiles(times, n=100)
    return statistics.median(times), cuts[94], cuts[98], right / len(asked)


def _question(row: Row) -> dict[str, Any]:
    said = dict(zip(COLUMNS, row, strict=True))
    names = [{"family": said[f"last_{s}"], "given": [said[f"first_{s}"]]} for s in ("lat", "ar") if said[f"last_{s}"]]
    kind = {8: "urn:wasl:tn:cin", 11: "urn:wasl:tn:iuc", 18: "urn:wasl:dz:nin"}.get(len(said["nid"]))
    patient = {
        "resourceType": "Patient", "name": names, "birthDate": said["dob"],
        "gender": {"M": "male", "F": "female"}.get(said["sex"], "unknown"),
        "identifier": [{"system": kind, "value": said["nid"]}] if kind else [],
        "telecom": [{"system": "phone", "value": said["phone"]}], "address": [{"city": said["commune"]}],
        "contact": [{"relationship": [{"coding": [{"code": code}]}], "name": {"text": said[field]}}
                    for code, field in (("FTH", "father"), ("MTH", "mother")) if said[field]],
    }  # fmt: skip
    return {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": patient}]}


def _rows() -> Iterator[tuple[Row, int, bool]]:
    """The invented records, each with its person, and whether it is kept back."""
    for row, person in records(World(people=PEOPLE, seed=4711)):
        yield row, person, int(row[0][1:]) % 10 == 0


def _said(row: Row) -> dict[str, str]:
    return {name: text for name, text in zip(COLUMNS[3:], row[3:], strict=True) if text}


def _day(text: str = "1980-01-01") -> Any:  # noqa: ANN401
    import datetime

    return datetime.date.fromisoformat(text)


def _wait(client: httpx.Client) -> None:
    for _ in range(300):
        try:
            if client.get("/fhir/metadata").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise RuntimeError("the server does not answer")


def _begun(env: dict[str, str], name: str, *words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PLAY, name, *map(json.dumps, words)]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)


def _answer(process: subprocess.Popen[str]) -> Any:  # noqa: ANN401  what JSON holds
    said = process.communicate()[0]
    if process.returncode:
        raise RuntimeError(f"{process.args} failed")
    return json.loads(said.splitlines()[-1])


def _played(env: dict[str, str], name: str, *words: object) -> Any:  # noqa: ANN401
    return _answer(_begun(env, name, *words))


if __name__ == "__main__":
    main()
