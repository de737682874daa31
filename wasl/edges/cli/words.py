"""`wasl words`: what the pages, the forms and the refusals say, and what of it is not yet said in every language."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from wasl.edges.cli.translations import LOCALE

HERE = Path(__file__).resolve().parents[2]
LANGUAGES = ("ar", "fr")  # English is what the code is written in
# function -> how many words it takes, and whether a context comes first
CALLS = {
    name + lazy: shape
    for lazy in ("", "_lazy")
    for name, shape in {"gettext": (1, 0), "ngettext": (2, 0), "pgettext": (1, 1), "npgettext": (2, 1)}.items()
} | {"_": (1, 0)}


@dataclass(frozen=True, order=True)
class Word:
    """Something that is said: its English, its plural where it has one, its context, and the file that says it."""

    file: str
    english: str
    plural: str = ""
    context: str = ""

    @property
    def module(self) -> str:
        """The catalogue that it belongs to: its module's, or that of the kernel or the edges."""
        first = self.file.split("/")[1]
        return "edges" if first.endswith(".py") else first


@click.command()
@click.option("--check", is_flag=True, help="Fail when anything is untranslated.")
@click.option("--write", is_flag=True, help="Enter what is missing in the catalogues, to be filled by a translator.")
def words(check: bool, write: bool) -> None:
    """List what is not yet said in Arabic and French."""
    import django

    django.setup()
    said = spoken()
    missing = {language: untranslated(language, said) for language in LANGUAGES}
    for language, lines in missing.items():
        for word, why in lines:
            click.echo(f"{language}  {word.file}: {why}: {word.english}")
        if write:
            enter(language, [word for word, why in lines if why == "not translated"])
    count = sum(len(lines) for lines in missing.values())
    click.echo(f"{len({(w.context, w.english) for w in said})} words, {count} untranslated.")
    if check and count:
        raise click.ClickException(
            "Write them in wasl/locale/<language>/<module>.po; `wasl words --write` enters them."
        )


def spoken() -> list[Word]:
    """Everything that is said, by code, templates and refusals; Django must be set up."""
    return sorted({*_in_code(), *_in_templates(), *_in_refusals()})


def untranslated(language: str, said: Iterable[Word]) -> list[tuple[Word, str]]:
    """What a language does not say, or says without its values, and why."""
    catalogue = Catalog(locale=language)
    for path in sorted((LOCALE / language).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                if message.id and not message.fuzzy:
                    catalogue[message.id] = message
    found = []
    for word in said:
        if why := _fault(word, catalogue.get(word.english, word.context or None), catalogue.num_plurals):
            found.append((word, why))
    return found


def enter(language: str, missing: Iterable[Word]) -> None:
    """Add what is missing to the catalogues of its modules, without a translation."""
    for word in dict.fromkeys(Word("", w.english, w.plural, w.context) for w in missing):
        module = next(w.module for w in missing if (w.english, w.context) == (word.english, word.context))
        path = LOCALE / language / f"{module}.po"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\nLanguage: {language}\\n"\n')
        lines = ["", *([f"msgctxt {_quoted(word.context)}"] if word.context else []), f"msgid {_quoted(word.english)}"]
        if word.plural:
            forms = Catalog(locale=language).num_plurals
            lines += [f"msgid_plural {_quoted(word.plural)}", *(f'msgstr[{n}] ""' for n in range(forms))]
        else:
            lines.append('msgstr ""')
        with path.open("a") as file:
            file.write("\n".join(lines) + "\n")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _fault(word: Word, message: Message | None, plurals: int) -> str:
    if message is None:
        return "not translated"
    strings = message.string or ""
    told = [strings] if isinstance(strings, str) else [text or "" for text in strings]
    if not all(told) or (word.plural and len(told) != plurals):
        return "not translated"
    values = _values(word.plural or word.english)
    if not word.plural and any(_values(text) != values for text in told):
        return "the values in braces differ"
    if any(not _values(text) <= values for text in told):
        return "the values in braces differ"
    return ""


def _values(text: str) -> set[str]:
    """The names of the values that are put into a sentence."""
    return set(re.findall(r"\{(\w*)[^}]*\}", text)) | set(re.findall(r"%\((\w+)\)", text))


def _in_code() -> Iterator[Word]:
    for path in HERE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            count, context = CALLS.get(name, (0, 0))
            texts = [arg.value for arg in node.args[: count + context] if isinstance(arg, ast.Constant)]
            if count and len(texts) == count + context:
                first, *more = (str(text) for text in texts[context:])
                yield Word(_name(path), first, "".join(more), str(texts[0]) if context else "")


def _in_templates() -> Iterator[Word]:
    from django.template import Template
    from django.template.base import Node
    from django.templatetags.i18n import BlockTranslateNode, TranslateNode

    for path in HERE.rglob("templates/**/*.html"):
        source = path.read_text()
        for found in re.findall(r"""[\s:]_\((?:"([^"]+)"|'([^']+)')\)""", source):  # an argument of another tag
            yield Word(_name(path), "".join(found))
        nodes = Template(source).nodelist
        for node in nodes.get_nodes_by_type(Node):
            if isinstance(node, TranslateNode):
                english = node.filter_expression.var.literal
                if isinstance(english, str):
                    yield Word(_name(path), english, "", _literal(node.message_context))
            elif isinstance(node, BlockTranslateNode):
                first = node.render_token_list(node.singular)[0]
                plural = node.render_token_list(node.plural)[0] if node.plural else ""
                yield Word(_name(path), first, plural, _literal(node.message_context))


def _literal(context: object) -> str:
    value = getattr(getattr(context, "var", None), "literal", None) or getattr(context, "var", "")
    return str(value or "")


def _in_refusals() -> Iterator[Word]:
    from importlib import import_module

    from wasl.floors import MODULES
    from wasl.kernel.errors import Refused

    for module in MODULES:
        if (HERE / module / "rules.py").exists() or (HERE / module / "rules").exists():
            import_module(f"wasl.{module}.rules")
    pending = [Refused]
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        if kind.__module__.startswith("wasl."):
            yield Word(kind.__module__.replace(".", "/"), (kind.__doc__ or "").strip())


def _name(path: Path) -> str:
    return str(path.relative_to(HERE.parent))
