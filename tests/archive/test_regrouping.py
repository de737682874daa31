"""Images that belong to another study are moved, a study is split, two are made one; each step is undone exactly."""

import datetime
import io
import json
import random
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from pydicom import dcmread
from pydicom.uid import generate_uid

from tests import make
from tests.at_once import at_once
from tests.cast import Cast, cast
from wasl.archive import queries, rules, services
from wasl.archive.dicom import corrected
from wasl.archive.models import Conflict, Instance, Regrouping, Series, Study
from wasl.kernel.access import STRANGER, SYSTEM
from wasl.kernel.errors import NotAllowed, Refused
from wasl.record.models import Entry

WHY = "two exams under one number"


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


def two_series(stage: Cast, **values: object) -> Study:
    """A study of two series, of two images and of one."""
    uid = str(generate_uid())
    images = [
        make.image(number, **{
            "StudyInstanceUID": uid, "SeriesInstanceUID": f"{uid[:56]}.{serie}", "SeriesNumber": serie, **values
        })
        for number, serie in ((1, 1), (2, 1), (3, 2))
    ]  # fmt: skip
    return queries.study(make.send(stage, *images)[0].study, viewer=SYSTEM)


def tables() -> dict[str, list[Any]]:
    """Everything that the rows say of images, where there are any."""
    return {
        "studies": list(Study.objects.filter(instance_count__gt=0).order_by("id").values()),
        "series": list(Series.objects.filter(instance_count__gt=0).order_by("id").values()),
        "instances": list(Instance.objects.order_by("id").values("id", "uid", "series", "path", "sha256")),
    }


def differences(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> list[Any]:
    """Which field of which row is another than before."""
    found: list[Any] = []
    for table, rows in before.items():
        now = {row["id"]: row for row in after[table]}
        then = {row["id"]: row for row in rows}
        found += [(table, key) for key in now.keys() ^ then.keys()]
        for key in now.keys() & then.keys():
            found += [(table, name, then[key][name], now[key][name]) for name in then[key]
                      if then[key][name] != now[key][name]]  # fmt: skip
    return found


INVARIANTS = {
    "counts of series": "select id from archive_series e where instance_count <> "
    "(select count(*) from archive_instance where series_id = e.id)",
    "counts of studies": "select s.id from archive_study s, lateral (select count(i.id) as images, "
    "coalesce(sum(i.size), 0) as size, count(distinct e.id) as series "
    "from archive_series e join archive_instance i on i.series_id = e.id "
    "where e.study_id = s.id) n where (s.instance_count, s.size, s.series_count) <> (n.images, n.size, n.series)",
    "one patient": "select s.id from archive_study s left join archive_match m on m.study_id = s.id and undone_at is "
    "null where m.patient_id is distinct from s.patient_id",
    "a file once": "select path from (select path from archive_instance union all select path from archive_conflict) f "
    "group by path having count(*) > 1",
}


def check_invariants() -> None:
    for name, sql in INVARIANTS.items():
        with connection.cursor() as cursor:
            cursor.execute(sql)
            assert cursor.fetchall() == [], name


def series_of(study: Study) -> list[UUID]:
    return list(queries.series_of(study.id, viewer=SYSTEM).values_list("id", flat=True))


def given(instance: Instance) -> Any:  # noqa: ANN401  a data set
    """An image as it leaves."""
    image = Instance.objects.select_related("series__study").get(id=instance.id)
    identity = queries.identity_of(image.series.study_id, viewer=SYSTEM).of(image.series.uid, image.uid)
    path = queries.path_of(image.id, viewer=SYSTEM)
    return dcmread(io.BytesIO(b"".join(corrected(path, identity).pieces())))


def test_a_series_goes_to_another_study_and_back(stage: Cast, store: object) -> None:
    one, other = two_series(stage), make.study(stage, images=1, AccessionNumber="A-9", StudyDescription="Thorax")
    before = tables()
    moved = series_of(one)[1]
    act = services.move_images(one.id, series=[moved], into=other.id, because=WHY, by=stage.sami)
    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.series_count, one.instance_count, other.series_count, other.instance_count) == (1, 2, 2, 2)
    check_invariants()
    image = given(Instance.objects.get(series=moved))
    assert (image.StudyInstanceUID, image.AccessionNumber, image.StudyDescription) == (other.uid, "A-9", "Thorax")
    assert image.OriginalAttributesSequence[0].ModifiedAttributesSequence[0].StudyInstanceUID == one.uid
    make.send(stage, dcmread(queries.path_of(Instance.objects.get(series=moved).id, viewer=SYSTEM)))
    assert Instance.objects.count() == 4, "sent again, it is a duplicate where it is now"
    services.undo_regrouping(act, by=stage.sami)
    assert differences(before, tables()) == []
    with pytest.raises(rules.regrouping.RegroupingUndone):
        services.undo_regrouping(act, by=stage.sami)


def test_a_study_of_two_patients_is_split(stage: Cast, store: object) -> None:
    uid = str(generate_uid())
    about = {"StudyInstanceUID": uid}
    outcomes = make.send(
        stage, make.image(1, **about),
        make.image(2, **about, PatientID="HZ-2", PatientName="Trabelsi^Zied", PatientBirthDate="19700101"),
    )  # fmt: skip
    study = queries.study(outcomes[0].study, viewer=SYSTEM)
    services.complete_study(study.id, how="quiet", by=SYSTEM)
    salma, zied = make.patient(stage), make.patient(stage, family_name="Trabelsi", given_name="Zied", sex="male",
                                                    family_name_ar="", given_name_ar="")  # fmt: skip
    services.match_study(study.id, patient=salma.id, because="her name", by=stage.sami)
    before = tables()
    assert "identity" in Study.objects.get(id=study.id).flags
    act = services.move_images(study.id, instances=[outcomes[1].instance], because=WHY, by=stage.sami)
    new = Study.objects.exclude(id=study.id).get()
    assert (new.uid[:5], new.patient_id, new.header_id, new.instance_count) == ("2.25.", None, "HZ-2", 1)
    assert new.complete_at is not None
    assert not {*new.flags, *Study.objects.get(id=study.id).flags} & {"identity"}
    check_invariants()
    services.match_study(new.id, patient=zied.id, because="his name", by=stage.sami)
    image = given(Instance.objects.get(id=outcomes[1].instance))
    assert (image.StudyInstanceUID, image.PatientID, str(image.PatientName)) == (new.uid, zied.number, "Trabelsi^Zied")
    recorded = {str(entry.id): json.loads(entry.body) for entry in Entry.objects.filter(type="ImagingStudy")}
    assert [recorded[str(one.id)]["numberOfInstances"] for one in (study, new)] == [1, 1]
    assert recorded[str(new.id)]["subject"]["reference"] == f"Patient/{zied.id}"
    with pytest.raises(rules.regrouping.StudyTaken):
        services.undo_regrouping(act, by=stage.sami)
    services.unmatch_study(new.id, by=stage.sami)
    services.undo_regrouping(act, by=stage.sami)
    assert differences(before, tables()) == []
    assert Entry.objects.get(type="ImagingStudy", id=new.id).deleted


def test_two_studies_of_one_exam_are_made_one(stage: Cast, store: object) -> None:
    one, other = two_series(stage), two_series(stage)
    Series.objects.filter(study=other, number=1).update(uid="1.2.3")
    Series.objects.filter(study=one, number=1).update(uid="1.2.3")
    before = tables()
    act = services.merge_studies(one.id, into=other.id, because=WHY, by=stage.sami)
    assert Study.objects.get(id=other.id).instance_count == 6
    assert not queries.studies(viewer=SYSTEM).filter(id=one.id).exists()
    assert len(set(Series.objects.filter(study=other).values_list("uid", flat=True))) == 4
    check_invariants()
    services.undo_regrouping(act, by=stage.sami)
    assert differences(before, tables()) == []


def test_what_cannot_be_regrouped(stage: Cast, store: object) -> None:
    one, other, away = two_series(stage), two_series(stage), two_series(stage)
    Study.objects.filter(id=away.id).update(place=stage.other)
    salma, second = make.patient(stage).id, make.patient(stage, given_name="Zohra", given_name_ar="زهرة").id
    services.match_study(one.id, patient=salma, because="her name", by=stage.sami)
    services.match_study(other.id, patient=second, because="her name", by=stage.sami)
    both = series_of(one)

    def move(**values: Any) -> UUID:  # noqa: ANN401
        return services.move_images(one.id, **{"because": WHY, "by": stage.sami, "series": both[:1], **values})

    for refusal, values in (
        (rules.regrouping.NoReasonGiven, {"because": "so"}),
        (rules.regrouping.NoImagesChosen, {"series": []}),
        (rules.regrouping.ImagesElsewhere, {"series": series_of(other)}),
        (rules.regrouping.AllOfThem, {"series": both}),
        (rules.regrouping.StudyTaken, {"series": both, "into": other.id}),
        (rules.NotYourPlace, {"into": away.id}),
    ):
        with pytest.raises(refusal):
            move(**values)
    with pytest.raises(rules.regrouping.OtherPatients):
        services.merge_studies(one.id, into=other.id, because=WHY, by=stage.sami)
    first = move()
    new = Study.objects.exclude(id__in=[one.id, other.id, away.id]).get()
    second_act = services.move_images(new.id, series=both[:1], into=one.id, because=WHY, by=stage.sami)
    with pytest.raises(rules.regrouping.RegroupedSince):
        services.undo_regrouping(first, by=stage.sami)
    for who in ("amel", "zied", "leila", "hatem", "nour"):
        with pytest.raises(Refused):
            services.undo_regrouping(second_act, by=getattr(stage, who))
        with pytest.raises(Refused):
            move(by=getattr(stage, who))
    with pytest.raises(Refused):
        move(by=STRANGER)
    services.undo_regrouping(second_act, by=stage.sami)
    services.undo_regrouping(first, by=stage.sami)
    assert queries.regroupings_of(one.id, viewer=stage.sami).count() == 2
    for viewer in (stage.zied, stage.hatem, STRANGER):
        assert not queries.regroupings_of(one.id, viewer=viewer).exists()


@pytest.mark.django_db(transaction=True)
def test_sixteen_people_move_one_series_at_once() -> None:
    stage = cast()
    one = two_series(stage)
    others = [make.study(stage, images=1) for _ in range(8)]
    moved = series_of(one)[0]

    def move(into: UUID | None) -> None:
        services.move_images(one.id, series=[moved], into=into, because=WHY, by=stage.sami)

    targets = [*(other.id for other in others), *([None] * 8)]
    refused = at_once(*(lambda into=into: move(into) for into in targets))
    assert refused == ["ImagesElsewhere"] * 15
    assert Regrouping.objects.count() == 1
    check_invariants()


def test_a_walk_of_steps_and_undos_keeps_the_tables_true(stage: Cast, store: object) -> None:
    chance = random.Random(2026)
    for _ in range(2):
        two_series(stage)
    people = [make.patient(stage).id, make.patient(stage, given_name="Zohra", given_name_ar="زهرة").id]
    before = tables()
    undo: list[Any] = []
    for _ in range(40):
        studies = list(Study.objects.filter(instance_count__gt=0).order_by("id"))
        one, other = chance.choice(studies), chance.choice(studies)
        step = chance.choice(("move", "split", "merge", "match", "rematch", "image"))
        series = chance.choice(series_of(one))
        image = chance.choice(list(Instance.objects.filter(series=series).order_by("id"))).id
        try:
            if step == "match":
                services.match_study(one.id, patient=chance.choice(people), because=WHY, by=stage.sami)
                undo.append(lambda key=one.id: services.unmatch_study(key, by=stage.sami))
            elif step == "rematch" and one.patient_id:
                to = next(key for key in people if key != one.patient_id)
                services.rematch_study(one.id, out_of=one.patient_id, patient=to, because=WHY, by=stage.sami)
                undo.append(
                    lambda key=one.id, to=to, former=one.patient_id: services.rematch_study(
                        key, out_of=to, patient=former, because=WHY, by=stage.sami
                    )
                )
            elif step == "merge":
                act = services.merge_studies(one.id, into=other.id, because=WHY, by=stage.sami)
                undo.append(lambda act=act: services.undo_regrouping(act, by=stage.sami))
            else:
                what = {"instances": [image]} if step == "image" else {"series": [series]}
                into = None if step == "split" else other.id
                act = services.move_images(one.id, **what, into=into, because=WHY, by=stage.sami)
                undo.append(lambda act=act: services.undo_regrouping(act, by=stage.sami))
        except Refused:
            pass
        if undo and chance.random() < 0.25:
            undo.pop()()
        check_invariants()
    while undo:
        undo.pop()()
    check_invariants()
    assert differences(before, tables()) == []


def test_images_that_came_under_known_uids_become_an_exam_of_their_own(stage: Cast, store: object) -> None:
    uid = str(generate_uid())
    mine = [make.image(number, StudyInstanceUID=uid) for number in (1, 2)]
    make.send(stage, *mine)
    for data in mine:
        data.PatientName, data.PatientID, data.PatientBirthDate = "Trabelsi^Zied", "HZ-2", "19700101"
    make.send(stage, *mine)
    mine[0].PatientName = "Somebody^Else"
    make.send(stage, mine[0])
    before = tables(), list(Conflict.objects.order_by("id").values())
    key = Conflict.objects.order_by("id")[0].id
    with pytest.raises(rules.regrouping.NoReasonGiven):
        services.separate_images(key, because="", by=stage.sami)
    with pytest.raises(NotAllowed):
        services.separate_images(key, because=WHY, by=stage.leila)
    study = services.separate_images(key, because=WHY, by=stage.sami)
    study.refresh_from_db()
    assert (study.instance_count, study.patient_id, study.header_id) == (2, None, "HZ-2")
    assert queries.conflicts(viewer=stage.sami).count() == 1
    image = given(Instance.objects.filter(series__study=study).order_by("number")[0])
    assert (image.StudyInstanceUID, image.PatientID) == (study.uid, "HZ-2")
    assert image.SOPInstanceUID != mine[0].SOPInstanceUID
    mine[0].PatientName = "Trabelsi^Zied"
    assert make.send(stage, mine[0])[0].what == "conflict"
    assert Conflict.objects.count() == 3, "sent again, nothing new is kept"
    services.sweep(older_than=datetime.timedelta(0))
    assert given(Instance.objects.filter(series__study=study)[0]).PatientID == "HZ-2"
    with pytest.raises(rules.AlreadySettled):
        services.separate_images(key, because=WHY, by=stage.sami)
    with pytest.raises(rules.AlreadySettled):
        services.settle_conflict(key, replace=True, by=stage.sami)
    services.match_study(study.id, patient=make.patient(stage).id, because=WHY, by=stage.sami)
    with pytest.raises(rules.regrouping.StudyTaken):
        services.undo_separation(study.id, by=stage.sami)
    services.unmatch_study(study.id, by=stage.sami)
    services.undo_separation(study.id, by=stage.sami)
    assert (tables(), list(Conflict.objects.order_by("id").values())) == before
