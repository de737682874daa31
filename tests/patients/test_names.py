"""One name written many ways has one skeleton; names that only look alike do not."""

import datetime

import pytest

from tests import make
from tests.cast import cast
from wasl.patients import queries
from wasl.patients.rules.names import coarse, skeleton

# by hand: an Arabic form, and what registers write for it in Latin letters
SPELLINGS = """
محمد, Mohamed, Mohammed, Mohammad, Muhammad, Med
عبد القادر, Abdelkader, Abd El Kader, Aek, عبدالقادر
نور الدين, Nour Eddine, Noureddine, Nordine, نورالدين
بن علي, Ben Ali, Benali, بنعلي
بلقاسم, Belkacem, Belgacem, Belqassem
يوسف, Youcef, Youssef, Yousef
الهمامي, Hammami, Hamami, حمامي
كريم, Karim, Kerim
كريمة, Karima
نجاة, Najet, Najat, Nadjet
صالح, Salah, Saleh
فاطمة, Fatma, Fatima
خديجة, Khadija, Khadidja
عبد الرحمان, Abderrahmane, Abderrahman
عبد الله, Abdallah, Abdellah
الناصري, Ennaceri, Naceri, Nasri
بوعزيزي, Bouazizi, البوعزيزي
الغربي, Gharbi, El Gharbi
الطرابلسي, Trabelsi, Trabelssi
حسين, Hocine, Houcine, Hussein
رشيد, Rachid, Rashid
مصطفى, Mustapha, Mostefa, Moustafa
ليلى, Leila, Layla
موسى, Moussa
علي, Ali
عيسى, Aissa
زكرياء, Zakaria, زكريا
منصف, Moncef
جمال, Djamel, Jamel
الحاج, Hadj, Haj
زواري, Zouari
هواري, Houari
يحيى, Yahia, Yahya
ياسين, Yacine, Yassine
فتحي, Fethi
أسامة, Oussama, Ossama
عبد العزيز, Abdelaziz
عبد السلام, Abdessalem, Abdeslam
صلاح الدين, Salaheddine, Salah Eddine, Slaheddine
إبراهيم, Brahim, Ibrahim
إسماعيل, Smail, Ismail
شكري, Chokri, Choukri
غزالة, Ghazala
قاسمي, Guesmi, Kacemi, Gasmi
بوراوي, Bouraoui
نوال, Nawel, Naoual
مروة, Marwa, Maroua
وهيبة, Wahiba, Ouahiba
سناء, Sana
رضا, Ridha, Reda, Rida
زين العابدين, Zine El Abidine
حياة, Hayet, Hayat
الجبالي, Jebali, Djebali
ذهبي, Dhahbi, Dahbi
شابي, Chebbi, Chabbi
بورقيبة, Bourguiba
الشريف, Cherif
ثامر, Thameur, Tamer
حمزة, Hamza
طاهر, Tahar
بن يوسف, Ben Youssef, Benyoussef
ولد علي, Ould Ali
السويسي, Souissi
العياري, Ayari
المازني, Mezni
قدور, Kaddour
مختار, Mokhtar
لخضر, Lakhdar
عمر, Omar, Amor
خالد, Khaled
وليد, Walid, Oualid
فؤاد, Fouad
مهدي, Mehdi
كوثر, Kaouther, Kawthar
سعاد, Souad
حنان, Hanen, Hanane
بشير, Bechir, Bachir
سي محمد, Si Mohamed
قويدر, Kouider
الرزقي, Rezgui
بن عمر, Ben Amor
بوضياف, Boudiaf
زيتوني, Zitouni
مزيان, Meziane
آيت, Ait
بلحاج, Belhadj, Belhaj
""".strip().splitlines()

OTHERS = (
    "Karim, Karima", "Mohamed, M'hamed", "Salem, Salim Ben Salem", "Hammami, Hammadi", "Abdelhamid, Abdelghani",
    "محمد, محمود الله", "Nour, Noureddine", "Ali, Ben Ali", "خالد, قايد",
)  # fmt: skip


@pytest.mark.parametrize("line", SPELLINGS)
def test_the_spellings_of_a_name_have_one_skeleton(line: str) -> None:
    forms = line.split(", ")
    assert {skeleton(form) for form in forms} == {skeleton(forms[0])} != {""}
    assert len({coarse(form) for form in forms}) == 1


@pytest.mark.parametrize("line", OTHERS)
def test_other_names_have_other_skeletons(line: str) -> None:
    one, other = line.split(", ")
    assert skeleton(one) != skeleton(other)


@pytest.mark.parametrize(
    "odd", ["", "   ", "-", "123", "\0", "王", "ʼ", "A" * 5000, "ال", "عبد", "El", "abd", "ب" * 300]
)
def test_whatever_is_typed_has_a_skeleton_or_none(odd: str) -> None:
    assert isinstance(skeleton(odd), str)
    assert coarse(odd) == coarse(odd.upper())


@pytest.mark.django_db
def test_who_is_registered_in_one_script_is_found_by_the_other() -> None:
    stage = cast()
    born = datetime.date(1964, 2, 29)
    noureddine = make.patient(
        stage, given_name="", family_name="", given_name_ar="نور الدين", family_name_ar="الشابي", birth_date=born
    )
    make.patient(stage, given_name="", family_name="", given_name_ar="منير", family_name_ar="الغربي", birth_date=born)
    typed = {"given_name": "Noureddine", "family_name": "Chebbi", "birth_date": born}
    alike = queries.match_person(typed, [], place=None, viewer=stage.amel)
    assert [match.patient for match in alike] == [noureddine]
    found = queries.candidates(
        header_id="", header_name="CHEBBI^NOUREDDINE", birth_date=born, sex="", place=None, viewer=stage.amel
    )
    assert [person for person, _ in found] == [noureddine]
