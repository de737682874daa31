"""QIDO-RS looks through studies on several ways: each finds what a plain reading of all of them finds, in its order."""

import datetime
import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from django.utils import timezone

from tests import make
from tests.cast import Cast, cast
from tests.edges.dicomweb import Service, service
from wasl.archive import queries as archive_queries
from wasl.archive.models import Series, Study
from wasl.edges.dicom import qido, sight
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.text import fold
from wasl.patients import services as patients
from wasl.patients.models import Patient
from wasl.places import queries as places

pytestmark = pytest.mark.django_db(transaction=True)

STUDIES, DAYS = 240, 12
NAMES = (("Ben Salah", "Salma"), ("Ben Ali", "Amine"), ("Zouari", "Ali"), ("Trabelsi", "Salma"), ("Gharbi", "Amel"))
KINDS = (["CT"], ["CT", "SR"], ["MR"], ["MR"], ["US"])
# what may be asked for, and what matches it
ASKED: dict[str, tuple[str, Callable[[Study], bool]]] = {
    "common modality": ("ModalitiesInStudy=CT", lambda s: "CT" in s.modalities),
    "modality": ("ModalitiesInStudy=MR", lambda s: "MR" in s.modalities),
    "old modality": ("ModalitiesInStudy=NM", lambda s: "NM" in s.modalities),
    "no modality": ("ModalitiesInStudy=OP", lambda s: False),
    "two modalities": ("ModalitiesInStudy=NM,US", lambda s: bool({"NM", "US"} & set(s.modalities))),
    "range": ("StudyDate=20260103-20260109", lambda s: bool(s.started_at) and 3 <= day(s) <= 9),
    "since": ("StudyDate=20260110-", lambda s: bool(s.started_at) and day(s) >= 10),
    "until": ("StudyDate=-20260102", lambda s: bool(s.started_at) and day(s) <= 2),
    "day": ("StudyDate=20260105", lambda s: bool(s.started_at) and day(s) == 5),
    "common name": ("PatientName=BEN*", lambda s: any(word.startswith("ben") for word in words(s))),
    "name": ("PatientName=zouari ali", lambda s: {"zouari", "ali"} <= set(words(s))),
    "no name": ("PatientName=Xyzzy*", lambda s: False),
    "place": ("IssuerOfPatientID=el-amal", lambda s: issuer(s) == "el-amal"),
    "other issuer": ("IssuerOfPatientID=LAB", lambda s: issuer(s) == "LAB"),
    "Wasl": ("IssuerOfPatientID=WASL", lambda s: s.patient_id is not None),
    "description": ("StudyDescription=Ab*", lambda s: s.description.startswith("Ab")),
}
TOGETHER = (
    (), ("common modality",), ("modality",), ("old modality",), ("no modality",), ("two modalities",), ("range",),
    ("common name",), ("name",), ("no name",), ("place",), ("other issuer",), ("Wasl",), ("description",),
    ("modality", "range"), ("old modality", "since"), ("old modality", "until"), ("common modality", "day"),
    ("modality", "place"), ("old modality", "other issuer"), ("modality", "common name"), ("old modality", "name"),
    ("modality", "common name", "range"), ("common modality", "place", "common name", "range"),
)  # fmt: skip
PAGES = ((1000, 0), (7, 0), (7, 5), (5, 30), (0, 2))
LIMITS = ("FAR", "LOOKED", "DEEPER", "FEW", "NAMED")
# every way in turn: as it is for few patients; all looked at one by one; fewer and fewer; those of a name at once
WAYS = ((100_000, 10_000, (30, 7), 5000, 500), (100_000, 10_000, (30, 7), 0, 0), (120, 10, (0, 1), 0, 0),
        (60, 30, (0, 0), 0, 0), (1, 1, (0, 0), 0, 0), (60, 30, (0, 0), 0, 500))  # fmt: skip


def day(study: Study) -> int:
    assert study.started_at is not None
    return timezone.localtime(study.started_at).day


def at(day: int, hour: int) -> datetime.datetime:
    return datetime.datetime(2026, 1, day, hour, tzinfo=timezone.get_default_timezone())


def words(study: Study) -> list[str]:
    return (study.patient.folded if study.patient else study.header_name_folded).split()


def issuer(study: Study) -> str:
    return study.header_issuer or (study.place.code if study.place else "")


@pytest.fixture
def stage(store: Path) -> Cast:
    stage = cast()
    chance = random.Random(43)
    _studies(stage, chance, _people(stage, chance))
    return stage


def _people(stage: Cast, chance: random.Random) -> list[Patient]:
    """Patients, most of whose records are open to one place or the other, or were."""
    now, hour = timezone.now(), datetime.timedelta(hours=1)
    people = []
    for number in range(24):
        family, given = NAMES[number % len(NAMES)]
        person = make.patient(
            stage, family_name=family, given_name=given, given_name_ar="", family_name_ar="", place=None, by=SYSTEM
        )
        for place in (stage.regional, stage.university):
            if until := chance.choice((None, [None], [now + hour], [now - hour])):
                patients.open_for_care(
                    person.id, place=place, source=UUID(int=number), because="test", until=until[0], by=SYSTEM
                )
        people.append(person)
    return people


def _studies(stage: Cast, chance: random.Random, people: list[Patient]) -> None:
    """Studies at any of three places or none, of a patient or of nobody, many at one and the same time, some at none.

    One kind is seldom, and old; another is nobody's alone.
    """
    for number in range(STUDIES):
        started = at(chance.randrange(1, DAYS + 1), chance.choice((0, 8, 23)))
        modalities = chance.choice(KINDS)
        if number % 30 == 0:
            modalities, started = ["NM"], at(1, 8)
        known = chance.random() < 0.7 and modalities != ["US"]
        family, given = chance.choice(NAMES)
        study = Study.objects.create(
            uid=f"1.2.826.{number}", modalities=modalities, started_at=started if chance.random() < 0.9 else None,
            place_id=chance.choice((stage.regional, stage.university, stage.other, None)),
            patient=chance.choice(people) if known else None, header_name=f"{family}^{given}",
            header_name_folded=fold(f"{family} {given}"), header_issuer=chance.choice(("", "", "LAB")),
            description=chance.choice(("Abdomen", "Crâne")), last_arrival_at=timezone.now(), series_count=2,
            instance_count=chance.choice((0, 1, 1, 1, 1)),
        )  # fmt: skip
        for turn, modality in enumerate(modalities * 2):
            Series.objects.create(
                study=study, uid=f"{study.uid}.{turn}", modality=modality, number=chance.choice((1, 2, None)),
                instance_count=chance.choice((0, 1, 1)),
            )  # fmt: skip


def _plain(kinds: tuple[str, ...], viewer: Actor) -> list[Study]:
    """What matches of all studies that the viewer sees, in its order."""
    seen = archive_queries.studies(viewer=viewer).select_related("patient", "place")
    found = [study for study in seen if all(ASKED[kind][1](study) for kind in kinds)]
    found.sort(key=lambda s: s.id, reverse=True)
    timed = sorted((s for s in found if s.started_at), key=lambda s: s.started_at or timezone.now(), reverse=True)
    return timed + [s for s in found if not s.started_at]


def _series(studies: list[Study]) -> Iterator[str]:
    for study in studies:
        shown = [series for series in study.series.all() if series.instance_count]
        shown.sort(key=lambda series: (series.number is None, series.number or 0, series.id))
        yield from (series.uid for series in shown)


def _told(answer: httpx.Response, tag: str) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one[tag]["Value"][0] for one in answer.json()]


def _follow(answer: httpx.Response) -> str:
    return str(answer.headers.get("warning", "")).removeprefix('299 wasl "There are ').partition(" additional")[0]


@contextmanager
def _asked(viewer: Actor, limits: Sequence[object]) -> Iterator[Service]:
    with pytest.MonkeyPatch.context() as patch, service(viewer) as asked:
        for name, value in zip(LIMITS, limits, strict=True):
            patch.setattr(qido, name, value)
        patch.setattr(qido, "COUNTED", 4)
        patch.setattr(sight, "_reach", {})
        yield asked


def test_every_way_finds_what_a_plain_reading_finds(stage: Cast) -> None:
    for viewer in (stage.leila, stage.sami, stage.amel, stage.zied):
        plain = {kinds: [study.uid for study in _plain(kinds, viewer)] for kinds in TOGETHER}
        for limits in WAYS:
            pages = itertools.cycle(PAGES[1:])
            with _asked(viewer, limits) as asked:
                for kinds, expected in plain.items():
                    for page in (PAGES[0], next(pages)):
                        _compare(asked, "studies", kinds, expected, *page)


def test_series_are_found_on_every_way(stage: Cast) -> None:
    for viewer in (stage.leila, stage.sami):
        for kinds in ((), ("old modality",), ("modality", "common name"), ("no name",)):
            expected = list(_series(_plain(kinds, viewer)))
            for limits in WAYS:
                with _asked(viewer, limits) as asked:
                    for page in PAGES:
                        _compare(asked, "series", kinds, expected, *page)


def _compare(asked: Service, level: str, kinds: tuple[str, ...], expected: list[str], limit: int, offset: int) -> None:
    question = "&".join([*(ASKED[kind][0] for kind in kinds), f"limit={limit}", f"offset={offset}"])
    answer = asked.get(f"/{level}?{question}")
    told = _told(answer, "0020000D" if level == "studies" else "0020000E")
    assert told == expected[offset : offset + limit], question
    rest = len(expected) - offset - limit
    least, _, number = _follow(answer).rpartition(" ")
    assert bool(number) == (rest > 0), question
    # who looked at some only says so; how many follow is counted up to four
    assert not number or (int(number) <= min(rest, 4) if least else int(number) == rest < 4), question


def test_the_stage_has_what_the_comparison_needs(stage: Cast) -> None:
    """Every kind is found by somebody, and nobody sees all: else the comparison would say little."""
    found = {kind: len(_plain((kind,), stage.leila)) + len(_plain((kind,), stage.sami)) for kind in ASKED}
    assert {kind for kind, number in found.items() if not number} == {"no modality", "no name"}
    seen = {viewer.name: len(_plain((), viewer)) for viewer in (stage.leila, stage.sami, stage.amel, stage.zied)}
    assert all(0 <= number < STUDIES for number in seen.values())
    assert len(set(seen.values())) == 4, seen
    assert len(_plain(("old modality",), stage.sami)) > 2
    assert places.place(stage.university, viewer=SYSTEM).code == "el-amal"
