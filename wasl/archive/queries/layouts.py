"""The viewer's layouts: those that are the viewer's affair, the one for an exam, and of which kind an exam is."""

from uuid import UUID

from django.db.models import F, Q, QuerySet

from wasl.archive.models import Layout
from wasl.archive.queries.studies import study_by_uid
from wasl.archive.rules import layouts as rules
from wasl.kernel.access import Actor


def _visible_layouts(viewer: Actor) -> QuerySet[Layout]:
    """One's own layouts, and those of the hospitals where one works."""
    if viewer.kind != "person" or viewer.id is None:
        return Layout.objects.none()
    return Layout.objects.filter(Q(person=viewer.id) | Q(place__in=viewer.places())).select_related("place")


def layouts(*, viewer: Actor) -> QuerySet[Layout]:
    """The layouts that the viewer sees, their own first, by kind of exam."""
    rows = _visible_layouts(viewer)
    own_first = F("person").asc(nulls_last=True)
    return rows.order_by(own_first, "modality", "body_part", "procedure", "earlier", "place", "id")


def layout(key: UUID, *, viewer: Actor) -> Layout:
    """One layout. Raises NoSuchLayout."""
    found = _visible_layouts(viewer).filter(id=key).first()
    if found is None:
        raise rules.NoSuchLayout
    return found


def kind_of_study(uid: str, *, earlier: bool, viewer: Actor) -> rules.Kind:
    """Of which kind an exam is, alone or with an earlier one beside. Raises NoSuchStudy, NoKind."""
    study = study_by_uid(uid, viewer=viewer)
    return rules.kind_of(
        study.modalities, body_part=study.body_part, description=study.description, names=study.header_name,
        earlier=earlier,
    )  # fmt: skip


def own_layout(kind: rules.Kind, *, viewer: Actor) -> Layout | None:
    """The viewer's own layout of a kind of exam, used or not."""
    return _of_kind(kind, viewer).filter(person=viewer.id).first()


def shared_layout(kind: rules.Kind, *, viewer: Actor) -> Layout | None:
    """The layout of a kind of exam of the hospital where the viewer is at work, used or not."""
    return _of_kind(kind, viewer).filter(place=viewer.at).first() if viewer.at else None


def layout_for(kind: rules.Kind, *, viewer: Actor) -> Layout | None:
    """How the viewer wants a kind of exam laid out: as they saved it, else as their hospital did; None: as usual."""
    found = (own_layout(kind, viewer=viewer), shared_layout(kind, viewer=viewer))
    return next((one for one in found if one and one.used), None)


def _of_kind(kind: rules.Kind, viewer: Actor) -> QuerySet[Layout]:
    rows = _visible_layouts(viewer).filter(modality=kind.modality, body_part=kind.body_part)
    return rows.filter(procedure=kind.procedure, earlier=kind.earlier)
