"""The metadata of images as DICOMweb tells them (PS3.18, 10.4.1.1.2), and those of whole series made ready.

A series' metadata are rendered once when its study is whole, and kept compressed. They say how many images and whose
they are of, so that they are never given once either is no longer so.
"""

import gzip
import json
import re
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from wasl.archive.models import Series, SeriesMetadata
from wasl.archive.queries.identity import IDENTITY, JOINS, WHERE_NOW
from wasl.archive.rules import viewing

ANYWHERE = "urn:wasl:dicom-web"  # stands in what is kept for the address of the service, which a request names
MOST = 2000  # images of a series whose metadata are kept; longer ones are rendered as they are asked for
BULK = "BulkDataURI"
VALUES = r'\[(?:[^\]"]|"(?:[^"\\]|\\.)*")*\]'  # of JSON, be they numbers or words
_SPACING = re.compile(rf'"(?:{"|".join(f"{tag:08X}" for tag in viewing.SPACINGS)})": {{"vr": "..", "Value": ({VALUES})')
DEFLATED = "1.2.840.10008.1.2.1.99"  # whose pixels lie at no offset of the file
# colours that no viewer decodes are given without compression: they are told as they are given (PS3.3, C.7.6.3.1.2)
AS_GIVEN = f"""case when i.metadata #>> '{{00280002,Value,0}}' = '3'
    and i.transfer_syntax not in ({", ".join(f"'{uid}'" for uid in sorted(viewing.DECODED | viewing.VIDEO))})
    then '{{"00280004": {{"vr": "CS", "Value": ["RGB"]}}, "00280006": {{"vr": "US", "Value": [0]}}}}'::jsonb
    else '{{}}'::jsonb end"""

# what is told of an image `i` of a series `e` of a study `s`, and where its bulk data are below the study's address
TOLD = f"""(i.metadata || {WHERE_NOW} || {IDENTITY} || {AS_GIVEN} || case
    when i.pixel_offset is null and (i.transfer_syntax <> '{DEFLATED}' or i.rows is null) then '{{}}' else
    jsonb_build_object('7FE00010', jsonb_build_object('vr',
            case when i.metadata #>> '{{00280100,Value,0}}' = '8' then 'OB' else 'OW' end,
            'BulkDataURI', %(base)s::text || '/series/' || e.uid || '/instances/' || i.uid || '/bulkdata/7FE00010'))
    end)::text, %(base)s::text || '/series/' || e.uid || '/instances/' || i.uid || '/bulkdata'"""
OF_SERIES = f"""
select {TOLD} from archive_series e join archive_study s on s.id = e.study_id {JOINS}
    join archive_instance i on i.series_id = e.id and not i.rejected
    where e.id = %(series)s order by i.number nulls last, i.id
"""  # noqa: S608  of our own words
MADE = 2  # counted on when other things are told of the same images: what was made ready before is made again
DIGEST = f"md5('{MADE} ' || ({IDENTITY})::text)"
OF = f"""select s.uid, e.instance_count, {DIGEST} from archive_series e
    join archive_study s on s.id = e.study_id {JOINS} where e.id = %s"""  # noqa: S608  of our own words

_changes = 0


def changes() -> int:
    """How often this process changed what had been made ready; what it remembers from before is old."""
    return _changes


def note_change() -> None:
    """After the commit, let everything in this process be looked up again."""
    transaction.on_commit(_count)


def forget_metadata(series: Iterable[UUID]) -> None:
    """Forget what was made ready of some series, in the transaction of a verb that changed what is said of them.

    Whoever changes an image, its file, or where it belongs calls this; images that are added need no call.
    """
    for key in sorted(series):
        _lock(key)
        SeriesMetadata.objects.filter(series=key).delete()
    note_change()


def prepare_metadata(study: UUID) -> None:
    """Render the metadata of a study's series, and keep them."""
    for series in Series.objects.filter(study=study, instance_count__range=(1, MOST)).values_list("id", flat=True):
        prepare_series(series)


def prepare_series(series: UUID) -> None:
    """Render the metadata of one series, and keep them; unless it is too long."""
    with transaction.atomic(), connection.cursor() as cursor:
        _lock(series)
        cursor.execute(OF, [series])
        study, count, digest = cursor.fetchone()
        if count > MOST:
            return
        cursor.execute(OF_SERIES, {"series": series, "base": f"{ANYWHERE}/studies/{study}"})
        texts = [told(text, at) for text, at in cursor.fetchall()]
        values = {"content": gzip.compress(f"[{','.join(texts)}]".encode(), 6), "images": len(texts), "digest": digest}
        SeriesMetadata.objects.filter(series=series).delete()
        SeriesMetadata.objects.create(series_id=series, **values)


def told(text: str, at: str) -> str:
    """Metadata of an image without spacings that are no lengths, and with an address for all that was left out.

    Viewers show nothing, or measure nonsense, where a spacing is zero or negative.
    """
    spacings = all(viewing.is_spacing(json.loads(values)) for values in _SPACING.findall(text))
    if spacings and f'"{BULK}": ""' not in text:
        return text
    data: dict[str, Any] = json.loads(text)
    if not spacings:
        data = viewing.measurable(data)
    _address(data, at)
    return json.dumps(data, ensure_ascii=False)


def _address(data: dict[str, Any], at: str) -> None:
    for tag, element in data.items():
        if element.get(BULK) == "":
            element[BULK] = f"{at}/{tag}"
        if element["vr"] == "SQ":
            for number, item in enumerate(element.get("Value", ())):
                _address(item, f"{at}/{tag}/{number}")


def _lock(series: UUID) -> None:
    """Let what is made ready wait for what changes it, and the other way round."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"archive metadata {series}"])


def _count() -> None:
    global _changes
    _changes += 1
