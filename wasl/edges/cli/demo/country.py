"""The demo country's hospitals, their machines and their people; all invented, and saying so."""

import csv
import datetime
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from wasl.accounts import queries as accounts_queries
from wasl.accounts import services as accounts
from wasl.archive import services as archive
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound, Refused
from wasl.places import queries as places_queries
from wasl.places import services as places
from wasl.radiology import queries as radiology_queries
from wasl.radiology import services as radiology
from wasl.workforce import queries as workforce_queries
from wasl.workforce import services as workforce

DATA = Path(__file__).parent / "data"
SINCE = datetime.timedelta(days=60)  # posts and covers began so long ago
# Arabic, French, English
KINDS = {
    "tn_hr": ("المستشفى الجهوي {ar}", "Hôpital régional {name}", "{name} Regional Hospital"),
    "tn_hc": ("المستشفى المحلي {ar}", "Hôpital local {name}", "{name} Local Hospital"),
    "tn_chu": ("المستشفى الجامعي {ar}", "CHU {name}", "{name} University Hospital"),
    "dz_eph": ("المؤسسة العمومية الاستشفائية {ar}", "EPH {name}", "{name} Public Hospital (EPH)"),
    "dz_chu": ("المركز الاستشفائي الجامعي {ar}", "CHU {name}", "{name} University Hospital"),
}
# region, kind, Arabic, Latin: the cast's own hospitals come first, then those that send most exams
MAIN = {
    "TN": [
        ("TN-32", "tn_hr", "وادي الزان", "Oued Zen"),
        ("TN-11", "tn_chu", "الأمل", "El Amal"),
        ("TN-72", "tn_hr", "النخيل", "El Nakhil"),
        ("TN-51", "tn_chu", "الرجاء", "Erraja"),
        ("TN-61", "tn_chu", "الوفاء", "El Wafa"),
        ("TN-33", "tn_hr", "الصنوبر الحلبي", "Essanaoubar El Halabi"),
        ("TN-42", "tn_hr", "الحلفاء", "El Halfa"),
        ("TN-43", "tn_hr", "السهول", "Essouhoul"),
        ("TN-82", "tn_hr", "القصور", "El Ksour"),
        ("TN-31", "tn_hc", "وادي الليل الأخضر", "Oued Lakhdar"),
    ],
    "DZ": [
        ("36", "dz_eph", "وادي الزان", "Oued Zen"),
        ("16", "dz_chu", "الأمل", "El Amal"),
        ("30", "dz_eph", "النخيل", "El Nakhil"),
        ("31", "dz_chu", "الرجاء", "Erraja"),
        ("25", "dz_chu", "الوفاء", "El Wafa"),
        ("12", "dz_eph", "الصنوبر الحلبي", "Essanaoubar El Halabi"),
        ("05", "dz_eph", "الحلفاء", "El Halfa"),
        ("17", "dz_eph", "السهول", "Essouhoul"),
        ("47", "dz_eph", "القصور", "El Ksour"),
        ("01", "dz_eph", "الفقارة", "El Foggara"),
    ],
}
USUAL = {"TN": "tn_hr", "DZ": "dz_eph"}
UNITS = {
    "imaging": ("قسم التصوير الطبي", "Imagerie médicale", "Imaging department"),
    "emergency": ("قسم الاستعجالي", "Urgences", "Emergency room"),
}
MACHINES = ("CT", "DX", "US")
UNIVERSITY_MACHINES = (*MACHINES, "MR", "NM", "MG")
# user name, given and family name, in Arabic, role, hospital of MAIN (None: the country), language
CASTS = {
    "TN": [
        ("amel", "Amel", "Gharbi", "أمل", "الغربي", "requester", 0, "fr"),
        ("sami", "Sami", "Jlassi", "سامي", "الجلاصي", "radiographer", 0, "fr"),
        ("nour", "Nour", "Mabrouk", "نور", "المبروك", "registrar", 0, "ar"),
        ("leila", "Leila", "Haddad", "ليلى", "الحداد", "radiologist", 1, "fr"),
        ("sirine", "Sirine", "Chaabane", "سيرين", "شعبان", "resident", 1, "fr"),
        ("karim", "Karim", "Ayari", "كريم", "العياري", "chief", 1, "fr"),
        ("zied", "Zied", "Trabelsi", "زياد", "الطرابلسي", "requester", 2, "fr"),
        ("hatem", "Hatem", "Bouazizi", "حاتم", "البوعزيزي", "planner", None, "fr"),
        ("fatma", "Fatma", "Ben Salah", "فاطمة", "بن صالح", "administrator", None, "fr"),
        ("monia", "Monia", "Saidi", "منية", "السعيدي", "steward", None, "ar"),
    ],
    "DZ": [
        ("amel", "Amel", "Benyoucef", "أمل", "بن يوسف", "requester", 0, "fr"),
        ("sami", "Samir", "Hadjadj", "سمير", "حجاج", "radiographer", 0, "fr"),
        ("nour", "Nour", "Meziane", "نور", "مزيان", "registrar", 0, "ar"),
        ("leila", "Leila", "Bouchareb", "ليلى", "بوشارب", "radiologist", 1, "fr"),
        ("sirine", "Sirine", "Cherif", "سيرين", "شريف", "resident", 1, "fr"),
        ("karim", "Karim", "Ouali", "كريم", "وعلي", "chief", 1, "fr"),
        ("zied", "Zineddine", "Khelifi", "زين الدين", "خليفي", "requester", 2, "fr"),
        ("hatem", "Hakim", "Rahmani", "حكيم", "رحماني", "planner", None, "fr"),
        ("fatma", "Fatma", "Zerrouki", "فاطمة", "زروقي", "administrator", None, "fr"),
        ("monia", "Mounia", "Slimani", "منية", "سليماني", "steward", None, "ar"),
    ],
}
SCALES = {"TN": "TN-2024-715", "DZ": "DZ-DEMO"}
AGREED_DAYS = 300  # from today on
# radiologists' posts of the hospitals of MAIN, invented; None: nobody wrote them down
ESTABLISHED = (2, 4, 1, 3, 3, 2, 2, None, 1, None)
INVENTED = "Démonstration : effectif inventé"
OTHER_READERS = (1, 3, 3, 4)  # the hospitals of MAIN where four more radiologists work


@dataclass(frozen=True)
class Hospital:
    """A hospital where people act: its key, its machines' AE titles by modality, and who works there."""

    code: str
    place: UUID
    region: UUID
    machines: dict[str, str]
    requester: Actor
    radiographer: Actor


@dataclass(frozen=True)
class Country:
    """Where the demonstration plays: the hospitals that send exams, and the readers who read them all."""

    code: str
    hospitals: list[Hospital]
    readers: list[Actor]


def rows(name: str) -> list[dict[str, str]]:
    """The rows of a data file."""
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def slug(text: str) -> str:
    """A name as a code: Latin letters without accents, words joined by dashes."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def stands(country: str) -> bool:
    """Whether the country's first person is there."""
    return accounts_queries.person_called(CASTS[country][0][0], viewer=SYSTEM) is not None


@transaction.atomic
def build(country: str, password: str) -> Country:
    """Bring the hospitals, the machines and the people on stage; whoever is there already stays."""
    keys = [place for place in _add_places(country)][: len(MAIN[country])]
    cast = {part[0]: _add_person(part[:5], part[7], password) for part in CASTS[country]}
    for name, *_, role, where, _language in CASTS[country]:
        _give_post(cast[name], role, None if where is None else keys[where])
    readers = [_add_reader(cast["leila"], keys[1], 1001, keys)]
    _add_reader(cast["sirine"], keys[1], 2001, keys, specialty="resident in radiology")  # no roster counts on her
    chance = Random(country)  # noqa: S311  invented people
    names = rows("names.csv")
    for number, where in enumerate(OTHER_READERS):
        person = _invented(names, country, chance, password, f"reader{number + 1}")
        _give_post(person, "radiologist", keys[where])
        readers.append(_add_reader(person, keys[where], 1002 + number, keys))
    hospitals = []
    for number, key in enumerate(keys):
        asks, makes = cast["amel"], cast["sami"]
        if number:
            asks = cast["zied"] if number == 2 else _invented(names, country, chance, password, f"doctor{number}")
            makes = _invented(names, country, chance, password, f"tech{number}")
            _give_post(asks, "requester", key)
            _give_post(makes, "radiographer", key)
        hospitals.append(_hospital(key, asks, makes))
    _add_agreements(country, keys, cast, password)
    _establish_posts(keys, cast["hatem"])
    return Country(country, hospitals, [accounts_queries.actor_of(reader) for reader in readers])


def people(country: str) -> Iterator[tuple[str, str, str, int | None]]:
    """The cast to be printed: user name, name, role, and which hospital of MAIN."""
    for username, given, family, _, _, role, where, _ in CASTS[country]:
        yield username, f"{given} {family}", role, where


def _add_places(country: str) -> Iterator[UUID]:
    """The hospitals of MAIN in their order, then one invented hospital for each region that has none yet."""
    regions = {region.code: region.id for region in places_queries.regions(viewer=SYSTEM)}
    taken = set()
    for region, kind, name_ar, name in MAIN[country]:
        taken.add(region)
        yield _add_place(slug(name), kind, regions[region], name_ar, name)
    pool = rows("hospital_names.csv")
    for row, region in zip(pool, [code for code in regions if code not in taken], strict=False):
        yield _add_place(slug(row["name"]), USUAL[country], regions[region], row["name_ar"], row["name"])


def _add_place(code: str, kind: str, region: UUID, name_ar: str, name: str) -> UUID:
    try:
        return places_queries.place_by_code(code, viewer=SYSTEM).id
    except NotFound:
        names = [form.format(ar=name_ar, name=name) for form in KINDS[kind]]
        place = places.add_place(
            code=code, names=(names[0], names[1], names[2]), region=region, kind=kind, invented=True, by=SYSTEM
        )
        for unit, titles in UNITS.items():
            places.add_unit(place.id, kind=unit, names=titles, by=SYSTEM)
        return place.id


def _add_person(part: tuple[str, str, str, str, str], language: str, password: str) -> UUID:
    username, given, family, given_ar, family_ar = part
    if found := accounts_queries.person_called(username, viewer=SYSTEM):
        return found.id
    return accounts.add_person(
        username=username, password=password, given_name=given, family_name=family, given_name_ar=given_ar,
        family_name_ar=family_ar, language=language, demo=True, by=SYSTEM,
    ).id  # fmt: skip


def _invented(names: list[dict[str, str]], country: str, chance: Random, password: str, username: str) -> UUID:
    given = chance.choice([row for row in names if row["use"] in ("male", "female")])
    family = chance.choice([row for row in names if row["use"] == country])
    return _add_person((username, given["name"], family["name"], given["name_ar"], family["name_ar"]), "fr", password)


def _give_post(person: UUID, role: str, place: UUID | None) -> None:
    actor = accounts_queries.actor_of(person)
    if not any(held.role == role and held.place == place for held in actor.held):
        accounts.give_post(person, role=role, place=place, since=timezone.now() - SINCE, by=SYSTEM)


def _add_reader(person: UUID, place: UUID, licence: int, serves: list[UUID], *, specialty: str = "radiology") -> UUID:
    """Enrol a reader who reads for every hospital that sends exams."""
    try:
        worker = workforce.enrol_worker(
            person, place=place, specialty=specialty, licence=f"DEMO-R-{licence}", languages=["fr", "ar"], by=SYSTEM
        )
    except Refused:
        return person
    for hospital in serves:
        workforce.cover_place(worker.id, place=hospital, modalities=[], since=timezone.now() - SINCE, by=SYSTEM)
    return person


def _establish_posts(keys: list[UUID], planner: UUID) -> None:
    """Some hospitals' posts of radiologists, from this month on, written down by the ministry's planner, once."""
    hatem, first = accounts_queries.actor_of(planner), timezone.localdate().replace(day=1)
    for key, number in zip(keys, ESTABLISHED, strict=True):
        if number is not None and not workforce_queries.posts_at(key, viewer=hatem).exists():
            workforce.establish_posts(
                key, specialty=workforce_queries.RADIOLOGY, number=number, since=first, reference=INVENTED, by=hatem
            )


def _add_agreements(country: str, keys: list[UUID], cast: dict[str, UUID], password: str) -> None:
    """Every hospital with readers reads for all others: its head of department signed, and the ministry's planner."""
    planner, chance = accounts_queries.actor_of(cast["hatem"]), Random(country)  # noqa: S311  invented people
    if radiology_queries.agreements(viewer=planner).exists():
        return
    names, today = rows("names.csv"), timezone.localdate()
    kinds = sorted({exam.modality for exam in radiology_queries.procedures(viewer=SYSTEM)})
    terms = radiology.Terms(
        modalities=tuple(kinds), minutes=dict.fromkeys(("P0", "P1", "P2", "P3")), scale=SCALES[country],
        since=today - SINCE, until=today + datetime.timedelta(days=AGREED_DAYS),
    )  # fmt: skip
    for where in sorted({1, *OTHER_READERS}):
        head = cast["karim"] if where == 1 else _invented(names, country, chance, password, f"head{where}")
        _give_post(head, "chief", keys[where])
        chief = accounts_queries.actor_of(head)
        for hospital in keys:
            if hospital != keys[where]:
                drafted = radiology.draft_agreement(provider=keys[where], beneficiary=hospital, terms=terms, by=chief)
                radiology.sign_agreement(drafted.id, side="provider", version=drafted.version, by=chief)
                radiology.sign_agreement(drafted.id, side="beneficiary", version=drafted.version, by=planner)


def _hospital(key: UUID, asks: UUID, makes: UUID) -> Hospital:
    place = places_queries.place(key, viewer=SYSTEM)
    kinds = UNIVERSITY_MACHINES if "chu" in place.name_fr.lower() else MACHINES
    machines = {kind: f"{kind}_{place.code.upper().replace('-', '_')}"[:16] for kind in kinds}
    for modality, title in machines.items():
        try:
            archive.add_source(
                ae_title=title, place=key, name=f"{modality}, {place.name_fr}", modality=modality, by=SYSTEM
            )
        except Refused:
            continue  # it was there
    return Hospital(
        place.code, key, place.region_id, machines, accounts_queries.actor_of(asks), accounts_queries.actor_of(makes)
    )
