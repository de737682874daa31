"""The DICOM conformance statement (PS3.2), written from what is registered: classes, keys, addresses, limits."""

from collections.abc import Iterator

OVERVIEW = """# DICOM conformance statement

## 1 Overview

Wasl is the archive and the network of a country's hospitals: it takes images in, keeps them as they came, finds them,
gives them to who may have them, and promises that it keeps them. It makes no images of its own but reports.

| network service | user (SCU) | provider (SCP) |
|---|---|---|
"""
INTRODUCTION = """
## 2 Introduction

This statement follows the order of PS3.2. It is for who connects a modality, a workstation or an archive; how that is
done says [Connect a modality](../how-to/connect-a-modality.md). A statement alone does not prove that two systems work
together: try it with a patient that does not exist.

## 3 Networking

### 3.1 Implementation model

One application entity listens (`wasl dicom`); the workers (`wasl work`) call outside systems under the same title. What
they owe lies in the database and is tried again for about twelve days while a system does not answer.

### 3.2 Application entity `WASL`

#### 3.2.1 SOP classes

As the provider (SCP), besides storage:

| SOP class | UID | transfer syntaxes |
|---|---|---|
"""
STORAGE = """
As the provider of storage: every SOP class, private and retired ones included, in every transfer syntax but the JPIP
referenced ones, whose pixels would stay with their sender. Images are kept as they come. Of what is proposed in one
presentation context the first transfer syntax is agreed; where a peer takes images (C-GET, by role selection) the first
of explicit and implicit little endian, if it is offered, else the first of those into which pixels are encoded (4).

As the user (SCU):

| SOP class | UID |
|---|---|
"""
BEHAVIOUR = """
Images are given (C-MOVE, C-GET, WADO-RS) with the patient whom their study was matched to, and the study and series
where they are now; what the header said stands in Original Attributes Sequence (0400,0561).
`WASL_GIVE_MATCHED_IDENTITY=0` leaves the patient of the header.

#### 3.2.3 Association initiation

Whole studies, commitments, questions and notifications each have an association of their own. Images that are sent are
offered as they are stored, without compression, and in the transfer syntaxes without loss into which pixels are encoded
(4); what the peer does not take as it is stored is decoded for it, image by image (colours as RGB), and encoded anew
where it takes nothing without compression. C-MOVE of our own has our title as its destination; an archive that does not
know us gives the images by C-GET. Storage commitment is answered on a new association, in which we take the provider's
role by role selection, or on that of the request when its sender has no port.

#### 3.2.4 Association acceptance

Who calls is known by its AE title and its address; both are registered by an administrator. Others are rejected
(permanent, calling AE title not recognized), as is who calls us by another title. While the database does not say who
calls, everybody is rejected for now (transient, temporary congestion): try again. A modality sees what its own place
holds.

**Queries (C-FIND).** At a level the one entity above it must be named, unless relational queries were agreed by
extended negotiation (PS3.4, C.5.1.1.1): then every key of every level is matched. At the level PATIENT each patient is
told once. Names are matched by their letters in search form, each group for itself: case, accents and like Arabic
letters make no difference.
"""
KEYS_HEAD = """
| level | key | matched by |
|---|---|---|
"""
STATUSES = """
Every other element that is asked for is given back as the header has it: of studies and series the elements of their
modules, of images all but the pixels. `NumberOf…Related…`, `ModalitiesInStudy`, `RetrieveAETitle` and
`InstanceAvailability` are answered.

| status | service | when |
|---|---|---|
| 0106, 0111, 0118 | N-CREATE | a value that cannot be; the instance is known; no such class |
| 0120, 0121 | N-CREATE | an element, or its value, is missing |
| A700 | C-FIND | more match than may be told: those before are some of them |
| A700 | C-STORE | the disk or the database takes nothing now: try again |
| A801 | C-MOVE | the destination is no system of the caller's place with an address and a port |
| A702 | C-MOVE, C-GET | no image could be sent |
| A900 | all | the identifier names a wrong level, or lacks the key above; a data set is not of its class |
| B000 | C-MOVE, C-GET | some images could not be sent: they are named in Failed SOP Instance UID List |
| B000 | C-STORE | known with other content: kept aside until somebody looks |
| C000 | C-STORE | no DICOM, or cut |
| C122 | C-STORE | its pixels stay with the sender (JPIP) |
| 0124 | C-STORE | the study is another hospital's |
| FE00 | all | cancelled by who asked |
| 0110, 0112, 0119 | commitment, of one image | its file is damaged; it is not here; it is of another class |
| 0131 | commitment | the Transaction UID was used for other images |

**Storage commitment** is promised for an image after its file was read again and the SHA-256 of its data set is that
which was written down when it came.

**Instance Availability Notifications** are taken from every registered system: what it says of other instances of the
study before stands. A notification without a SOP Instance UID gets one. Nothing is fetched by itself.

### 3.3 Configuration

`WASL_AE_TITLE`, `WASL_DICOM_HOST`, `WASL_DICOM_PORT` and `WASL_FIND_LIMIT`: see [Settings](settings.md). Systems
that may call are registered on the page of the machines.

## 4 DICOMweb (PS3.18)

Below `/dicom-web`, with the session of a person or the token of a machine (OAuth 2, scopes `dicomweb.read` and
`dicomweb.write`). JSON is DICOM JSON (PS3.18, F); no XML is given. Files and frames are given in the transfer syntax in
which they are stored (`transfer-syntax=*`), in explicit little endian (given when no other is named), or encoded
anew, frame by frame, in what `Accept` prefers of these. Colours are given as RGB unless as stored or in JPEG 2000,
whose code turns them (YBR_RCT).

| encoded on request | media type of a frame | files |
|---|---|---|
{syntaxes}
A spacing of pixels that is zero, negative or no number is not given, neither in metadata nor in files, be it of one
frame: Pixel Spacing, Imager Pixel Spacing, Nominal Scanned Pixel Spacing, Reconstruction Pixel Spacing, Object Pixel
Spacing in Center of Beam, Image Plane Pixel Spacing, Presentation Pixel Spacing. In files, by DIMSE too, Nonconforming
Modified Attributes Sequence (0400,0551) has its bytes and says where it stood. The stored file keeps it.

Metadata and single frames as they are stored carry an `ETag`: an `If-None-Match` that names it is answered with 304.

Frames asked for in any transfer syntax (`transfer-syntax=*`, as viewers ask) are given as they are stored where
browsers' codecs decode that (JPEG, JPEG lossless, JPEG-LS, JPEG 2000, High-Throughput JPEG 2000, RLE), else in
explicit little endian, and the metadata then tell their colours as RGB, pixel by pixel: JPEG XL, JPEG 2000 part 2,
progressive JPEG, deflated and encapsulated uncompressed frames. Who names the stored transfer syntax, or its media
type, gets what is stored; each part's Content-Type names the transfer syntax that was given. Video is not decoded
(406): its stream is given to who names its transfer syntax.

Pixels of 1 or 32 bits, floating ones and values beyond the stored bits are not encoded anew (406), nor as JPEG 2000
what has a side of less than {smallest} pixels. An instance is never given with loss.

Pictures (`rendered`, `thumbnail`) are image/jpeg, image/png or image/gif: `viewport` with its part of the image,
`window` with the functions linear, linear-exact and sigmoid, `quality`; `annotation` is answered with a warning and
draws nothing. At most {pictures} are given at once. Encapsulated PDF is given as application/pdf. Presentation states
are not applied.

A video is given as video/mp4 (`rendered`, ranges too) where its stream is stored as an MP4 file, as it is stored; of
other streams nothing is made (406).

Structured reports and key objects are shown (`rendered`) as text/html or text/plain, in the language of who asks (a
machine: English), with the patient whom their study was matched to; of what they point at the kind and UID are told.
The page fetches nothing and runs nothing. At most {items} content items and {letters} letters are shown, of a file of
at most {report} MB: what is missing is said.

WADO-URI (PS3.18, 9) is served at `/wado`: `contentType` (application/dicom, image/jpeg, image/png, image/gif,
application/pdf, text/html, text/plain), `transferSyntax`, `frameNumber`, `rows`, `columns`, `region`, `windowCenter`,
`windowWidth`, `imageQuality`. Without `contentType` an image of one frame is given as JPEG, a document as PDF, a report
as a page, all else as a file; of many frames asked for as a picture the first is given, or all as GIF. `anonymize` is
refused (406), `presentationUID` too (400).

What is stored (STOW-RS) is named in Referenced SOP Sequence with its Retrieve URL; nothing is coerced, so that no
Warning Reason is told. What is not is named in Failed SOP Sequence by its class and UID, those of the file meta
information where the data set is refused unread; a part that names neither stands in Other Failures Sequence
(PS3.18, I.2).

| Failure Reason | when |
|---|---|
| 0110 | the disk or the database failed: try again |
| 0111 | known with other content: kept aside until somebody looks |
| 0124 | the sender may not store it, or the study is another hospital's |
| A700 | no room, or too large when it is unpacked |
| A900 | its study is not that of the address, or a UID is missing or wrong |
| C000 | no DICOM, or cut |
| C122 | its pixels stay with the sender (JPIP) |

A search (QIDO-RS) gives at most {most} results at once, newest studies first, and skips at most {deepest} (`offset`;
more is answered with 400): a range of dates reaches the others. A `Warning` says how many follow, or at least
how many, up to {counted}.

| method | address |
|---|---|
"""
WORK = """
### 4.1 Worklist service (UPS-RS, PS3.18 11; UPS Push SOP class {push})

`application/dicom+json` alone is taken and given; XML is answered with 415 or 406. A workitem belongs to the place of
who creates it, and is seen by whom a study of that place and patient is seen; a machine sees only those of its places.

| transaction | success | refused |
|---|---|---|
| Create | 201, `Location`; `Warning` where an attribute of type 2 was left out and put in empty | 400; 409 it exists |
| Retrieve | 200; the Transaction UID is never told | 404 |
| Update | 200, no payload | 400 it is over, a wrong or no Transaction UID, a fixed attribute; 409 not claimed |
| Change State | 200; `Warning` where it is in that state already | 400 a wrong or no Transaction UID; 409 the state |
| Request Cancellation | 202; not yet claimed, it is canceled | 409 it is completed, or nobody is subscribed to it |
| Search | 200; 204 nothing; 206 more follow, at most {most} at once | 400 |
| Subscribe | 201, `Content-Location` | 403 another's AE title; 404 |
| Unsubscribe, Suspend | 200, no payload | 404 no such subscription |

A request that is refused for its state says so in the `Warning` of the standard. Nothing is deleted: 410 is never
answered, and every deletion lock is granted. The canceling of a workitem that says neither when nor why gets the moment
and the code (110513, DCM). A search matches values, wildcards, lists of UIDs and attributes within sequences
(`ScheduledStationNameCodeSequence.CodeValue`); ranges match `ScheduledProcedureStepStartDateTime`,
`ScheduledProcedureStepModificationDateTime`, `ExpectedCompletionDateTime` and
`ScheduledProcedureStepExpirationDateTime`. Fuzzy matching is not offered.

A subscription to the worklist, filtered or not, is for the workitems of the subscriber's places, and at its beginning
for those that are not over. An AE title that is a source's is for machines of its place; otherwise it belongs to who
first subscribes, or listens, under it.

**Events** (`GET /ws/subscribers/{{aet}}`, upgraded to a WebSocket): UPS State Report, Cancel Requested, Progress Report
and Assigned, as text in DICOM JSON. Reports wait until they are sent. Message ID (0000,0110) counts from 1 for each
subscriber and begins again after {messages}; `?after=` with the last that arrived tells those behind it again, as far
as {kept} back. One connection is open under an AE title: a new one ends the one before (code {taken}). SCP Status
Change is not sent, since subscriptions and workitems outlive every restart.
"""
REST = """
## 5 Media interchange

No file set is written or read. A folder, a ZIP archive or the files of a disc are taken by the upload page; a DICOMDIR
is passed over.

## 5a Hanging protocols

A reader's layout of the viewer is written to a file, and read from one, as Hanging Protocol Storage
(1.2.840.10008.5.1.4.38.1); it is not sent or taken over the network. Each place is an image set of its own, selected
by Modality, Series Description, Series Number, Body Part Examined or Study Description, of the exam itself
(RELATIVE_TIME, zero) or of the latest earlier one (ABSTRACT_PRIOR, one), and a display set of one box (STACK) in a grid
of up to 6 by 6; planes are filtered by IMAGE_PLANE. One private element says the greys, their centre and width:
(0073,xx01), VR FD, VM 2, creator `WASL LAYOUT`, in an item of Display Sets Sequence. A file is read when it says
nothing else that a viewer would have to do: no other selectors, filters or sorting, no reformatting, blending, VOI
types or several screens; otherwise nothing of it is taken.

## 6 Character sets

Taken: those of PS3.3, C.12.1.1.2; a header that is not in the letters that it names is flagged. Kept and given in the
record and in JSON: Unicode (ISO_IR 192). A query is answered in the character set that it names when that has all the
letters of the answer, otherwise in ISO_IR 192. Arabic (ISO_IR 127) and Latin (ISO_IR 100) letters are searched alike.

## 7 Security

Addresses and titles as above; no image of a patient is shown to a person without a ground, and each giving is written
to the access log of the patient. No identity of a patient is written to the logs of the program.
"""
REPORTS = """
## 5b Objects of reports

When a report, a preliminary one or an addendum is signed, these objects enter its study:

{classes}
The key images are a Key Object Selection (IHE RAD, KIN). Those that the reader showed otherwise than they are, in a
window, inverted or with something drawn on them, are in Softcopy Presentation States, to which the selection refers:
one for each rescaling and polarity, and one for coloured images, of the images of the study alone. They hold the
Modality LUT, a Softcopy VOI LUT for each image (the image's own where the reader left it), Presentation LUT Shape
IDENTITY or INVERSE, the whole image as Displayed Area (SCALE TO FIT), and in one Graphic Layer POLYLINE, ELLIPSE and
POINT objects in PIXEL units and texts at an Anchor Point. Arrows are polylines. No shutter, rotation, overlay, compound
graphic or bounding box is written. Presentation states of other systems are kept and given, and not applied.
"""
LIMITS = (
    ("PDU received", "{pdu} bytes"),
    ("associations at once", "{most}"),
    ("time to say who calls", "{greeting} s"),
    ("asynchronous operations", "none: one at a time"),
    ("presentation contexts in what is sent", "128"),
)
MATCHED = {
    "text": "value, wildcards", "name": "name", "list": "UIDs", "date": "day, range", "day": "day, range",
    "clock": "time, range", "array": "values", "number": "number",
    "number_of_patient": "value, wildcards; the Wasl number too", "issuer": "value, wildcards; `WASL`",
}  # fmt: skip


def statement() -> Iterator[str]:
    """The pages' text, part by part in the order of PS3.2."""
    from pynetdicom import PYNETDICOM_IMPLEMENTATION_UID, PYNETDICOM_IMPLEMENTATION_VERSION

    from wasl.archive.queries import KEYS
    from wasl.edges.dicom import content, dimse, documents, qido, transcoded
    from wasl.edges.dicom.classes import CALLED, SERVED
    from wasl.edges.dicom.rendered import MOST_FRAMES

    yield OVERVIEW
    for uid in dict.fromkeys((*SERVED, *CALLED)):
        yield f"| {_name(uid)} | {'yes' if uid in CALLED else ''} | {'yes' if uid in SERVED else ''} |\n"
    yield "| Storage, all classes | yes | yes |\n" + INTRODUCTION
    syntaxes = ", ".join(_name(uid) for uid in dimse.NATIVE)
    yield "".join(f"| {_name(uid)} | {uid} | {syntaxes} |\n" for uid in SERVED) + STORAGE
    yield "".join(f"| {_name(uid)} | {uid} |\n" for uid in CALLED)
    yield "\n#### 3.2.2 Association policies\n\n| limit | value |\n|---|---|\n"
    values = {"pdu": dimse.PDU, "most": dimse.ASSOCIATIONS, "greeting": f"{dimse.GREETING:g}"}
    yield "".join(f"| {what} | {value.format(**values)} |\n" for what, value in LIMITS)
    yield f"| implementation class UID | {PYNETDICOM_IMPLEMENTATION_UID} |\n"
    yield f"| implementation version | {PYNETDICOM_IMPLEMENTATION_VERSION} |\n" + BEHAVIOUR + KEYS_HEAD
    yield "".join(f"| {level} | {key} | {MATCHED[how]} |\n" for key, (level, _, how) in KEYS.items())
    yield STATUSES.format(
        syntaxes="".join(_encoded()), pictures=MOST_FRAMES, most=qido.MOST, deepest=qido.DEEPEST, counted=qido.COUNTED,
        items=content.MOST_ITEMS, letters=content.MOST_LETTERS, report=documents.LARGEST >> 20,
        smallest=transcoded.SMALLEST,
    )  # fmt: skip
    yield "".join(f"| {method} | `{path}` |\n" for method, path in _addresses())
    yield _work() + REST.replace("\n## 6 ", f"{REPORTS.format(classes=''.join(_written()))}\n## 6 ")


def _work() -> str:
    from wasl.archive.queries import UPS_CLASS, UPS_MESSAGES
    from wasl.archive.services import REPORTS_KEPT
    from wasl.edges.dicom import reports, workitems

    return WORK.format(
        push=UPS_CLASS, messages=UPS_MESSAGES, kept=REPORTS_KEPT, most=workitems.MOST, taken=reports.TAKEN
    )


def _written() -> Iterator[str]:
    """The SOP classes of the objects that are made of reports."""
    from wasl.radiology.dicom import WRITTEN

    for uid in WRITTEN:
        yield f"- {_name(uid)} ({uid})\n"


def _encoded() -> Iterator[str]:
    """The transfer syntaxes into which pixels are encoded on request."""
    from wasl.edges.dicom.transcoded import LOSSLESS, LOSSY
    from wasl.edges.dicom.ways import KINDS

    for uid in (*LOSSLESS, *LOSSY):
        files = "yes" if uid in LOSSLESS else "frames of 8 bits alone: it loses something"
        yield f"| {_name(uid)}, {uid} | {KINDS[uid]} | {files} |\n"


def _addresses() -> Iterator[tuple[str, str]]:
    """What DICOMweb serves."""
    from starlette.routing import Mount, Route

    from wasl.edges.dicom.web import service

    for mount in service.routes:
        for route in mount.routes if isinstance(mount, Mount) else ():
            if isinstance(route, Route):
                yield ", ".join(sorted((route.methods or set()) - {"HEAD"})), route.path


def _name(uid: str) -> str:
    from pydicom.uid import UID

    return str(UID(uid).name)
