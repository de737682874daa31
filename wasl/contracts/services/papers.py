"""Statements on paper: printed in Arabic and in French once their month is closed, sealed, and kept."""

import hashlib
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone, translation
from django.utils.dateformat import format as dated
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from wasl.contracts import queries
from wasl.contracts.events import StatementPrinted
from wasl.contracts.models import Line, Paper, Part, Statement
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.text import written_money
from wasl.kernel.verbs import verb
from wasl.radiology import services as radiology

TEMPLATE = Path(__file__).parents[1] / "templates/contracts/statement.typ"
FONTS = settings.HERE / "static/vendor/fonts"
LANGUAGES = ("ar", "fr")  # that a statement is printed in


@verb
def print_statement(key: UUID, *, by: Actor) -> None:
    """Make the sealed PDF of a statement in every language it is printed in; told twice, it is made once."""
    found = queries.statement(key, viewer=by)
    made = set(found.papers.values_list("language", flat=True))
    lines = list(queries.lines_of(found, viewer=by))
    for language in LANGUAGES:
        if language not in made:
            with translation.override(language):
                pdf = page(found, lines, language=language)
                sealed = radiology.seal(
                    pdf, name="Wasl", reason=_("Monthly statement"), location=found.closing.provider.name
                )
            digest = hashlib.sha256(sealed).digest()
            Paper.objects.create(statement=found, language=language, pdf=sealed, sha256=digest)
    if made < set(LANGUAGES):
        emit(StatementPrinted(statement=key, place=found.closing.provider_id), by=by)


def page(found: Statement, lines: Sequence[Line], *, language: str) -> bytes:
    """A statement as a PDF/A-3a, in the language in force, which is named; its lines as JSON inside."""
    import typst  # loaded by the process that prints, and no other

    data = _data(found, lines, language)
    closed = found.closing.created_at.replace(microsecond=0)
    with tempfile.TemporaryDirectory(prefix="wasl-paper-") as folder:
        root = Path(folder)
        (root / "statement.typ").write_bytes(TEMPLATE.read_bytes())
        (root / "statement.json").write_text(json.dumps([_plain(line) for line in lines]))
        (root / "data.json").write_text(json.dumps(data))
        made = typst.compile(
            str(root / "statement.typ"), root=str(root), font_paths=[str(FONTS)], ignore_system_fonts=True,
            pdf_standards="a-3a", timestamp=closed,
        )  # fmt: skip
    return bytes(made)


def _data(found: Statement, lines: Sequence[Line], language: str) -> dict[str, Any]:
    """Every word of the page."""
    closing = found.closing
    closed = timezone.localtime(closing.created_at)
    own = [_row(line, found, language) for line in lines if line.month == closing.month and line.entry_id]
    earlier = [_row(line, found, language) for line in lines if line.month != closing.month and line.entry_id]
    unpaid = [_row(line, found, language) for line in lines if not line.entry_id]
    whose = found.reader or found.beneficiary
    return {
        "language": language,
        "day": [closed.year, closed.month, closed.day],
        "title": _("Statement of {month}").format(month=dated(closing.month, "F Y")),
        "network": _("Wasl"),
        "hospital": closing.provider.name,
        "facts": [
            [_("Given by"), closing.provider.name, False],
            [_("Reader") if found.reader else _("Received and paid by"), whose.name if whose else "", False],
            [_("Closed on"), f"{closed:%d/%m/%Y %H:%M}", True],
            [_("Acts of the month"), str(found.acts), True],
            [_("Amount"), written_money(found.amount, language=language), False],
        ],
        "invented": _("INVENTED EXAMPLE: no text sets these amounts.") if _invented(lines) else "",
        "demonstration": _("DEMONSTRATION") if settings.DEMO else "",
        "heads": [
            _("No."), pgettext("act", "Signed"), _("Exam"), _("Received by") if found.reader else _("Reader"),
            _("How it is priced"), _("Amount"),
        ],
        "parts": [
            [title, rows]
            for title, rows in (
                (_("Acts of the month"), own), (_("Corrections of earlier months"), earlier),
                (_("Not paid in this month"), unpaid),
            )
            if rows
        ],
        "sum": [_("In all"), written_money(found.amount, language=language)],
        "none": _("No amount moves in this month."),
        "footer": _("Sealed by Wasl when the month was closed. The lines are attached to this document as data."),
    }  # fmt: skip


def _row(line: Line, found: Statement, language: str) -> list[str]:
    act = line.act
    fee = line.entry.fee if line.entry else None
    if fee:
        scale = fee.price.scale
        how = [str(fee.get_mode_display()), str(fee.get_hours_display()), f"{scale.code} {scale.version}"]
        if line.state == Line.State.REVERSED:
            how.insert(0, str(line.get_state_display()))
    elif line.state == Line.State.OPEN:
        how = [str(line.get_why_display() or _("waits for its session"))]
    else:
        how = [str(line.get_state_display())]
    return [
        f"{line.number}",  # type: ignore[attr-defined]  # as the query counted it
        f"{timezone.localtime(act.done_at):%d/%m/%Y %H:%M}",
        f"{act.modality} {act.procedure}" + (f" ({act.get_part_display()})" if act.part != Part.REPORT else ""),
        act.beneficiary.name if found.reader else act.reader.name,
        " · ".join(word for word in how if word),
        written_money(line.amount, language=language) if line.entry else "–",
    ]


def _invented(lines: Sequence[Line]) -> bool:
    return any(line.entry.fee.price.scale.invented for line in lines if line.entry)


def _plain(line: Line) -> dict[str, object]:
    """A line as data: the keys that it rests on, for who checks it."""
    fee = line.entry.fee if line.entry else None
    return {
        "number": line.number, "act": str(line.act_id), "kind": line.act.part, "done_at": line.act.done_at.isoformat(),  # type: ignore[attr-defined]
        "state": line.state, "why": line.why, "amount": line.amount, "currency": settings.CURRENCY,
        "entry": line.entry_id and str(line.entry_id),
        "session": fee and fee.session_id and str(fee.session_id), "agreement": fee and str(fee.agreement_id),
        "scale": fee and f"{fee.price.scale.code} {fee.price.scale.version}",
    }  # fmt: skip
