"""The demo country: loaded once by a real `wasl up --demo`, and asked as people would ask it."""

import datetime
import io
import plistlib
import re
import tarfile
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

import numpy as np
import psycopg
import pydicom
import pytest
from django.db import transaction
from django.utils import timezone
from pydicom import Dataset
from pydicom.uid import generate_uid

from tests.cast import cast
from tests.edges.scenes import PATIENCE, Command, eventually, migrated_folder, small
from wasl.edges.cli.demo import head
from wasl.edges.cli.demo import patients as stories
from wasl.edges.cli.demo.clock import moved
from wasl.edges.cli.demo.country import CASTS, MAIN, rows
from wasl.edges.cli.demo.pictures import LABEL, folder, part10
from wasl.edges.cli.demo.today import exams as today_exams
from wasl.edges.cli.postgres import Postgres
from wasl.kernel.access import SYSTEM
from wasl.kernel.models import Fact
from wasl.patients import services as patients
from wasl.patients.models import Patient

READY = "Ctrl-C stops it."
NOW = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)


# what stories are made of


def test_a_story_is_the_same_every_time_and_plausible() -> None:
    for number in range(200):
        case = stories.pick(Random(number))
        first, again = (stories.exams(Random(number), case, NOW) for _ in range(2))
        assert first == again
        for exam in first:
            steps = list(exam.moments.values())
            assert steps == sorted(steps)
            assert NOW - datetime.timedelta(days=30) < exam.moments["ordered"] < NOW
            if exam.urgency == "P3":
                assert exam.moments["ordered"].hour in stories.OFFICE or len(first) > 1


@pytest.mark.parametrize("case", stories.cases(), ids=lambda case: str(case["procedure"]))
def test_a_case_is_written_in_both_languages_and_fits_its_patient(case: dict[str, object]) -> None:
    for country in CASTS:
        who = stories.identity(Random(3), country, case, NOW.date())
        years = (NOW.date() - who["birth_date"]).days / 365.25
        assert case["ages"][0] <= years <= case["ages"][1] + 1  # type: ignore[index]
        assert who["given_name"]
        assert re.search(r"[\u0621-\u064a]", who["family_name_ar"])
    french, arabic = case["fr"], case["ar"]
    assert bool(french["critical"]) == bool(arabic["critical"])  # type: ignore[index]
    assert all(len(words["question"]) >= 10 for words in (french, arabic))  # type: ignore[index]


def test_both_countries_have_the_same_parts() -> None:
    assert [part[5:7] for part in CASTS["TN"]] == [part[5:7] for part in CASTS["DZ"]]
    assert len(MAIN["TN"]) == len(MAIN["DZ"])


def test_every_image_of_today_exists() -> None:
    shipped = [row["image"] for row in rows("today.csv") if row["image"] != head.FILE.name]
    for image in shipped:
        assert (folder() / image).is_file()
    assert len(shipped) >= 12


def worklist_item() -> Dataset:
    """What a scanner is told of an exam to make."""
    item = Dataset()
    item.PatientName, item.PatientID, item.AccessionNumber = "TOUNSI^LEILA", "706096948934", "A45343844459"
    item.PatientBirthDate, item.PatientSex, item.StudyInstanceUID = "19490111", "F", generate_uid()
    return item


def test_the_head_ct_is_one_series_in_its_patients_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a small volume in the package's own form, for machines that lack the package."""
    voxels = np.arange(3 * 4 * 5, dtype="<i2").reshape(3, 4, 5) - 1024
    about = {"matrix": {"shape": [3, 4, 5], "filename": "matrix.dat"}, "spacing": [0.5, 0.75, 1.5]}
    with tarfile.open(tmp_path / "Cranium.inv3", "w") as archive:
        for name, content in (("main.plist", plistlib.dumps(about)), ("matrix.dat", voxels.tobytes())):
            member = tarfile.TarInfo(f"folder/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    monkeypatch.setattr(head, "FILE", tmp_path / "Cranium.inv3")
    head._volume.cache_clear()
    item = worklist_item()
    images = head.slices(item, title="Head CT", moment=timezone.localtime())
    head._volume.cache_clear()
    assert [image.InstanceNumber for image in images] == [1, 2, 3]
    assert {str(image.StudyInstanceUID) for image in images} == {str(item.StudyInstanceUID)}
    assert len({str(image.SOPInstanceUID) for image in images}) == 3
    assert {str(image.PatientName) for image in images} == {"TOUNSI^LEILA"}
    assert {image.ImageComments for image in images} == {"Demonstration image"}
    read = pydicom.dcmread(io.BytesIO(part10(images[1])))
    assert (read.pixel_array == voxels[1][::-1]).all()
    assert [float(x) for x in read.PixelSpacing] == [0.75, 0.5]
    assert float(images[2].ImagePositionPatient[2] - images[1].ImagePositionPatient[2]) == 1.5


@pytest.mark.django_db
def test_the_clock_moves_for_one_story_and_comes_back() -> None:
    stage = cast()
    who: dict[str, Any] = {"family_name": "Ben Salah", "birth_date": datetime.date(1980, 3, 12)}
    before = timezone.now
    with transaction.atomic(), moved(NOW) as clock:
        patient = patients.register_patient(place=stage.regional, by=stage.nour, **who)
        clock.set(NOW - datetime.timedelta(days=1))  # never back
        assert timezone.now() >= NOW
        clock.tell()
    assert timezone.now is before
    assert Patient.objects.get(id=patient.id).created_at - NOW < datetime.timedelta(seconds=1)
    told = Fact.objects.get(name="patients.PatientRegistered", subject=patient.id)
    assert datetime.timedelta(0) <= told.at - NOW < datetime.timedelta(seconds=1)
    later = patients.register_patient(place=None, by=SYSTEM, **who)
    assert later.created_at > NOW + datetime.timedelta(days=1)


def test_the_clock_comes_back_when_a_story_fails() -> None:
    before = timezone.now
    with pytest.raises(ZeroDivisionError), moved(NOW):
        1 / 0  # noqa: B018
    assert timezone.now is before


# the real thing


@pytest.fixture(scope="module")
def loaded() -> Iterator[tuple[dict[str, str], str]]:
    """An instance with a small demo country, and what its first start said."""
    with migrated_folder() as home:
        env = small(home)
        with Command("up", "--demo", "--small", env=env) as up:
            assert eventually(lambda: READY in up.said or up.process.poll() is not None, 400), up.said
            assert READY in up.said, up.said
            yield env, up.said


def ask(env: dict[str, str], query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(Postgres(Path(env["WASL_DATA"])).dsn, autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


def sign_in(env: dict[str, str], username: str, password: str) -> tuple[OpenerDirector, str]:
    """A browser in which a person has signed in, and the address where it ended."""
    cookies = CookieJar()
    browser = build_opener(HTTPCookieProcessor(cookies))
    base = f"http://127.0.0.1:{env['WASL_HTTP_PORT']}"
    with browser.open(f"{base}/") as page:
        address = page.geturl()
    token = next(cookie.value for cookie in cookies if cookie.name == "csrftoken")
    form = urlencode({"login": username, "password": password, "csrfmiddlewaretoken": token or ""}).encode()
    with browser.open(address, form) as page:
        return browser, page.geturl()


def password_in(said: str) -> str:
    found = re.search(r"password: (\S+)", said)
    assert found
    return found[1]


def test_its_people_are_printed_and_can_sign_in(loaded: tuple[dict[str, str], str]) -> None:
    env, said = loaded
    password = password_in(said)
    for username, *_ in CASTS["TN"]:
        assert username in said
        _browser, ended = sign_in(env, username, password)
        assert "login" not in ended, f"{username} was not let in"
    _browser, ended = sign_in(env, "leila", "not-the-password")
    assert "login" in ended


def test_todays_images_came_through_the_port_and_are_on_disk(loaded: tuple[dict[str, str], str]) -> None:
    env, _said = loaded
    expected = len(today_exams())
    today = ask(env, "select s.uid from archive_study s join archive_performedstep p on p.study_uid = s.uid")
    assert len(today) == expected
    files = ask(env, "select path, size from archive_instance")
    assert len(files) > expected
    for path, size in files:
        assert (Path(env["WASL_DATA"]) / "storage" / str(path)).stat().st_size == size
    modalities = {m for (many,) in ask(env, "select modalities from archive_study") for m in many}  # type: ignore[attr-defined]
    assert {"CT", "CR", "MR", "US", "NM"} <= modalities


def test_every_study_says_that_it_is_a_demonstration(loaded: tuple[dict[str, str], str]) -> None:
    env, _said = loaded
    assert ask(env, "select count(*) from archive_study where not flags @> array['demonstration']::varchar[]") == [(0,)]
    assert ask(env, f"select count(*) from archive_study where description not like '{LABEL}%'") == [(0,)]
    assert ask(env, "select count(*) from places_place where not invented") == [(0,)]
    assert ask(env, "select count(*) from accounts_person where not demo") == [(0,)]
    unlabelled = "select count(*) from patients_sourceidentity where kind = 'local' and value not like 'DEMO-%'"
    assert ask(env, unlabelled) == [(0,)]


def test_there_is_something_to_read_to_reconcile_and_to_settle(loaded: tuple[dict[str, str], str]) -> None:
    env, _said = loaded
    states = {state for (state,) in ask(env, "select distinct state from radiology_reading")}
    assert {"waiting", "signed", "claimed"} <= states
    assert ask(env, "select count(*) from archive_study where patient_id is null") == [(1,)]
    assert ask(env, "select count(*) from archive_conflict where settled_at is null") == [(1,)]
    critical = ask(env, "select r.patient_id from radiology_report p join radiology_reading r on r.id = p.reading_id "
                        "where p.critical and p.signed_at > now() - interval '1 hour'")  # fmt: skip
    ((patient,),) = critical
    assert ask(env, f"select count(*) from radiology_reading where patient_id = '{patient}'") == [(2,)]  # with a prior


def test_hospitals_stand_in_every_region(loaded: tuple[dict[str, str], str]) -> None:
    env, _said = loaded
    without = (
        "select count(*) from places_region r where not exists (select from places_place p where p.region_id = r.id)"
    )
    assert ask(env, without) == [(0,)]


def test_the_past_is_in_the_past_and_the_journal_is_whole(loaded: tuple[dict[str, str], str]) -> None:
    env, _said = loaded
    ((first, last),) = ask(env, "select min(at), max(at) from kernel_fact where name = 'radiology.OrderSent'")
    assert isinstance(first, datetime.datetime) and isinstance(last, datetime.datetime)
    assert last - first > datetime.timedelta(days=5)
    apart = "abs(extract(epoch from f.at - o.created_at)) > 1"
    orders = "radiology_order o join kernel_fact f on f.subject = o.id and f.name = 'radiology.OrderSent'"
    assert ask(env, f"select count(*) from {orders} where {apart}") == [(0,)]
    assert ask(env, "select count(*) from kernel_fact where hash is null") == [(0,)]


def test_the_service_page_has_figures(loaded: tuple[dict[str, str], str]) -> None:
    env, said = loaded
    browser, _ended = sign_in(env, "hatem", password_in(said))
    with browser.open(f"http://127.0.0.1:{env['WASL_HTTP_PORT']}/radiology/service/table.csv?by=modality") as answer:
        lines = answer.read().decode().splitlines()
    figures = {line.split(",")[0]: int(line.split(",")[1]) for line in lines[1:]}
    assert figures["CT"] >= 3
    assert sum(figures.values()) == ask(env, "select count(*) from radiology_order")[0][0]


def test_some_patients_have_more_in_their_record_than_images(loaded: tuple[dict[str, str], str]) -> None:
    env, _said = loaded
    kinds = "'AllergyIntolerance', 'Condition', 'MedicationStatement', 'Observation'"
    assert ask(env, f"select count(distinct type) from record_entry where type in ({kinds})") == [(4,)]
    assert ask(env, f"select count(*) from record_entry where type in ({kinds}) and date > now()") == [(0,)]


def test_a_second_time_loads_nothing(loaded: tuple[dict[str, str], str]) -> None:
    env, said = loaded
    counts = (
        "select (select count(*) from radiology_order), (select count(*) from archive_instance i join archive_series r "
        "on r.id = i.series_id where r.modality not in ('DOC', 'SR')), count(*) from patients_patient"
    )
    before = ask(env, counts)
    with Command("demo", "--small", env={**env, "WASL_DEMO": "1"}) as again:
        assert again.process.wait(PATIENCE) == 0, again.said
    assert "Loading" not in again.said
    assert password_in(again.said) == password_in(said)
    (Path(env["WASL_DATA"]) / "demo.loaded").unlink()
    with Command("demo", "--small", env={**env, "WASL_DEMO": "1"}) as resumed:
        assert resumed.process.wait(PATIENCE) == 0, resumed.said
    assert "Loading" in resumed.said
    assert ask(env, counts) == before


def test_it_is_refused_beside_real_patients(loaded: tuple[dict[str, str], str]) -> None:
    env, said = loaded
    with Command("demo", env=env) as refused:
        assert refused.process.wait(PATIENCE) == 1
    assert "WASL_DEMO" in refused.said
    assert password_in(said) not in refused.said
    assert (Path(env["WASL_DATA"]) / "demo.password").stat().st_mode & 0o077 == 0
