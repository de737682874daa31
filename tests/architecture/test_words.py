"""Everything that Wasl says, it says in Arabic, French and English."""

from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from click.testing import CliRunner

from wasl.edges.cli import translations
from wasl.edges.cli import words as subject
from wasl.edges.cli.main import main
from wasl.edges.cli.words import Word, enter, spoken, untranslated

SAID = {
    "from code": Word("wasl/accounts/rules.py", "radiographer"),
    "with a context": Word("wasl/radiology/views/service.py", "ordered", "", "step"),
    "with a plural": Word("wasl/edges/web/templates/_pages.html", "%(all)s line", "%(all)s lines"),
    "from a template": Word("wasl/edges/web/templates/_person.html", "Sign out"),
    "of a refusal": Word("wasl/kernel/errors", "You are not allowed to do this."),
    "with a value": Word("wasl/accounts/rules", "Another person already has the user name {username}."),
}


@pytest.fixture(scope="module")
def said() -> list[Word]:
    return spoken()


@pytest.mark.parametrize("what", SAID)
def test_words_are_found(said: list[Word], what: str) -> None:
    assert SAID[what] in said


@pytest.mark.parametrize("language", subject.LANGUAGES)
def test_every_word_is_said_in_every_language(said: list[Word], language: str) -> None:
    missing = [f"{word.file}: {why}: {word.english}" for word, why in untranslated(language, said)]
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize("language", subject.LANGUAGES)
def test_a_word_is_said_in_one_way(language: str) -> None:
    ways: dict[tuple[object, object], set[str]] = {}
    for path in (translations.LOCALE / language).glob("*.po"):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                if message.id:
                    ways.setdefault((message.context, message.id), set()).add(str(message.string))
    assert not {word: said for word, said in ways.items() if len(said) > 1}


@pytest.mark.parametrize(
    "path", sorted(translations.LOCALE.glob("*/*.po")), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_a_catalogue_says_a_word_once(path: Path) -> None:
    """A reader of catalogues takes one of two translations, and says nothing of the other."""
    starts = [line.partition(" ")[0] for line in path.read_text().splitlines()]
    with path.open("rb") as file:
        words = sum(1 for message in read_po(file) if message.id)
    assert starts.count("msgid") == starts.count("msgstr") + starts.count("msgstr[0]") == words + 1  # and the head


@pytest.fixture
def catalogues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of catalogues that is empty."""
    monkeypatch.setattr(subject, "LOCALE", tmp_path)
    return tmp_path


def test_what_is_missing_is_entered_and_still_counts_as_missing(said: list[Word], catalogues: Path) -> None:
    enter("ar", said)
    written = {path.stem for path in (catalogues / "ar").glob("*.po")}
    assert {"accounts", "edges", "kernel", "radiology"} <= written
    assert len(untranslated("ar", said)) == len(said)
    assert (catalogues / "ar/edges.po").read_text().count("msgstr[5]") >= 1


@pytest.mark.parametrize(
    ("told", "faults"),
    [
        ("اسم المستخدم {username} مأخوذ.", 0),
        ("اسم المستخدم مأخوذ.", 1),
        ("اسم المستخدم {user} مأخوذ.", 1),
        ("", 1),
    ],
)
def test_a_translation_keeps_the_values(catalogues: Path, told: str, faults: int) -> None:
    (catalogues / "ar").mkdir()
    (catalogues / "ar/accounts.po").write_text(f'msgid "{SAID["with a value"].english}"\nmsgstr "{told}"\n')
    assert len(untranslated("ar", [SAID["with a value"]])) == faults


def test_a_fuzzy_translation_is_none(catalogues: Path) -> None:
    (catalogues / "fr").mkdir()
    (catalogues / "fr/accounts.po").write_text('#, fuzzy\nmsgid "radiographer"\nmsgstr "radio"\n')
    assert len(untranslated("fr", [SAID["from code"]])) == 1


def test_the_command_fails_on_what_is_missing(catalogues: Path) -> None:
    result = CliRunner().invoke(main, ["words", "--check"])
    assert result.exit_code == 1
    assert "wasl/accounts/rules.py: not translated: radiographer" in result.output
    assert CliRunner().invoke(main, ["words"]).exit_code == 0
    assert catalogues != translations.LOCALE
