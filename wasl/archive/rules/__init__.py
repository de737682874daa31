"""Who may send, match, settle and release, and what is refused."""

import re
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any
from uuid import UUID

from wasl.archive.rules import discs as discs
from wasl.archive.rules import identities as identities
from wasl.archive.rules import layouts, marks, preliminary, rejecting, sharing
from wasl.archive.rules import outside as outside
from wasl.archive.rules import receivers as receivers
from wasl.archive.rules import regrouping as regrouping
from wasl.archive.rules import traffic as traffic
from wasl.archive.rules import viewing as viewing
from wasl.archive.rules import workitem_data as workitem_data
from wasl.archive.rules import workitem_reports as workitem_reports
from wasl.archive.rules import workitems as workitems
from wasl.archive.rules.copies import BadRetention as BadRetention
from wasl.archive.rules.copies import BucketFailed as BucketFailed
from wasl.archive.rules.copies import Damaged as Damaged
from wasl.archive.rules.copies import NoRetention as NoRetention
from wasl.archive.rules.copies import NoRoom as NoRoom
from wasl.archive.rules.copies import NotAtHand as NotAtHand
from wasl.archive.rules.copies import NotProven as NotProven
from wasl.archive.rules.copies import TooManyPieces as TooManyPieces
from wasl.archive.rules.copies import check_retention as check_retention
from wasl.archive.rules.lines import LAST_URGENT as LAST_URGENT
from wasl.archive.rules.lines import Turn as Turn
from wasl.archive.rules.lines import prior_rank as prior_rank
from wasl.archive.rules.lines import turn as turn
from wasl.archive.rules.outside import AsksNothing as AsksNothing
from wasl.archive.rules.outside import BadCommitment as BadCommitment
from wasl.archive.rules.outside import BadNotification as BadNotification
from wasl.archive.rules.outside import DoesNotListen as DoesNotListen
from wasl.archive.rules.outside import NoCommitment as NoCommitment
from wasl.archive.rules.outside import NoInquiry as NoInquiry
from wasl.archive.rules.outside import NotAnnounced as NotAnnounced
from wasl.archive.rules.outside import NotAsked as NotAsked
from wasl.archive.rules.outside import NothingNamed as NothingNamed
from wasl.archive.rules.outside import NothingSaid as NothingSaid
from wasl.archive.rules.outside import NotificationKnown as NotificationKnown
from wasl.archive.rules.outside import NotOffered as NotOffered
from wasl.archive.rules.outside import TransactionKnown as TransactionKnown
from wasl.archive.rules.outside import check_keys as check_keys
from wasl.archive.rules.outside import check_notification as check_notification
from wasl.archive.rules.outside import is_same_person as is_same_person
from wasl.archive.rules.outside import relevance as relevance
from wasl.archive.rules.privacy import OPTIONS as OPTIONS
from wasl.archive.rules.privacy import WRITES as WRITES
from wasl.archive.rules.privacy import AlreadyApproved as AlreadyApproved
from wasl.archive.rules.privacy import CannotPaint as CannotPaint
from wasl.archive.rules.privacy import DatesTwice as DatesTwice
from wasl.archive.rules.privacy import NoReader as NoReader
from wasl.archive.rules.privacy import NoSuchProject as NoSuchProject
from wasl.archive.rules.privacy import NoSuchPseudonym as NoSuchPseudonym
from wasl.archive.rules.privacy import NoSuchRelease as NoSuchRelease
from wasl.archive.rules.privacy import NotApprovable as NotApprovable
from wasl.archive.rules.privacy import NotApproved as NotApproved
from wasl.archive.rules.privacy import NothingToFetch as NothingToFetch
from wasl.archive.rules.privacy import NotYourRelease as NotYourRelease
from wasl.archive.rules.privacy import ProjectKnown as ProjectKnown
from wasl.archive.rules.privacy import ReleaseOver as ReleaseOver
from wasl.archive.rules.privacy import ReleaseRefused as ReleaseRefused
from wasl.archive.rules.privacy import UnknownOption as UnknownOption
from wasl.archive.rules.privacy import check_approved as check_approved
from wasl.archive.rules.privacy import check_approver as check_approver
from wasl.archive.rules.privacy import check_options as check_options
from wasl.archive.rules.privacy import check_waits as check_waits
from wasl.archive.rules.privacy import may_carry_text as may_carry_text
from wasl.archive.rules.privacy import names_another as names_another
from wasl.archive.rules.rejecting import PEOPLE_REJECT as PEOPLE_REJECT
from wasl.archive.rules.rejecting import REJECTIONS as REJECTIONS
from wasl.archive.rules.rejecting import AlreadyRejected as AlreadyRejected
from wasl.archive.rules.rejecting import AlreadyRestored as AlreadyRestored
from wasl.archive.rules.rejecting import BadRejection as BadRejection
from wasl.archive.rules.rejecting import NoRejection as NoRejection
from wasl.archive.rules.uids import is_uid as is_uid
from wasl.kernel.access import Actor, Held
from wasl.kernel.errors import Invalid, NotAllowed, Refused

# who opens the images of a study that is nobody's yet, where they are made
IMAGING = frozenset({"radiographer", "radiologist", "chief", "client"})
SENDS = frozenset({"radiographer", "radiologist", "chief", "registrar", "modality", "client", "system"})
RECONCILES = frozenset({"radiographer", "radiologist", "chief", "registrar", "system"})
REGROUPS = frozenset({"radiographer", "radiologist", "chief", "system"})
SETTLES = frozenset({"radiographer", "chief"})
ASKS = frozenset({"radiographer", "radiologist", "chief", "system"})
IMPORTS = frozenset({"radiographer", "radiologist", "chief", "registrar"})  # the disc of another hospital
STEWARDS = frozenset({"steward", "system"})  # who keeps the crosswalk of a place, and lets copies go outside

CAN: dict[str, frozenset[str]] = {
    **dict.fromkeys(("receive", "announce"), SENDS),
    **(marks.CAN | layouts.CAN),
    **preliminary.CAN,
    **sharing.CAN,
    "complete_study": RECONCILES,
    "complete_quiet": frozenset({"system"}),
    **dict.fromkeys(("match_study", "unmatch_study", "rematch_study"), RECONCILES),
    "identify_study": frozenset({"system"}),
    "move_images": REGROUPS,
    "merge_studies": REGROUPS,
    "undo_regrouping": REGROUPS,
    "settle_conflict": SETTLES,
    "separate_images": SETTLES,
    "undo_separation": SETTLES,
    "transcode_images": frozenset({"system"}),
    "reject_images": rejecting.REJECTS,
    "restore_images": frozenset({"radiographer", "radiologist", "chief", "system"}),
    "note_giving": frozenset({"modality", "client", "system"}),
    "pass_rejection_on": frozenset({"system"}),
    "end_telling": frozenset({"system"}),
    "add_source": frozenset({"administrator", "system"}),
    "change_keeping": frozenset({"administrator", "system"}),
    "close_source": frozenset({"administrator", "system"}),
    "request_commitment": frozenset({"modality", "client", "system"}),
    "answer_commitment": frozenset({"modality", "system"}),
    "ask_commitment": frozenset({"radiographer", "radiologist", "chief", "system"}),
    "hear_commitment": frozenset({"modality", "system"}),
    "ask_for_studies": ASKS,
    "bring_studies": ASKS,
    "hear_availability": frozenset({"modality", "system"}),
    "bring_announced": ASKS - {"system"},
    "begin_disc": IMPORTS,
    "read_disc": IMPORTS,
    "take_disc": IMPORTS,
    "drop_disc": IMPORTS | {"system"},
    "hear_of_studies": frozenset({"system"}),
    "end_bringing": frozenset({"system"}),
    "fetch_priors": frozenset({"system"}),
    "announce_availability": frozenset({"system"}),
    "look_for_text": frozenset({"system"}),
    "note_burned_text": frozenset({"system"}),
    "open_project": STEWARDS,
    "resolve_pseudonym": STEWARDS - {"system"},
    "ask_release": frozenset({"radiologist", "chief", "steward", "system"}),
    "approve_release": STEWARDS - {"system"},
    "refuse_release": STEWARDS - {"system"},
    "fetch_release": frozenset({"radiologist", "chief", "steward"}),
    **dict.fromkeys(("add_receiver", "close_receiver", "send_release"), STEWARDS - {"system"}),
    **dict.fromkeys(("start_release", "give_pseudonym", "end_release", "clear_release"), frozenset({"system"})),
    **dict.fromkeys(("note_copy", "note_standstill", "end_sending"), frozenset({"system"})),
    "start_step": frozenset({"modality", "client", "system"}),
    "change_step": frozenset({"modality", "client", "system"}),
    "complete_step": frozenset({"modality", "client", "system"}),
    "discontinue_step": frozenset({"modality", "client", "system"}),
    "give_up_steps": frozenset({"system"}),
    "register_folder": frozenset({"system"}),
    "report_damage": frozenset({"system"}),
    "mend_copy": frozenset({"system"}),
    "release_files": frozenset({"system"}),
    "begin_carried": frozenset({"system"}),
    "end_carried": frozenset({"system"}),
    "take_moves": frozenset({"system"}),
    **dict.fromkeys(
        ("add_retention", "close_retention", "add_link", "close_link"), frozenset({"administrator", "system"})
    ),
    "announce_manifest": frozenset({"client", "system"}),
    "queue_transfer": RECONCILES | {"administrator"},
    "rank_transfer": RECONCILES | {"administrator"},
    "want_priors": frozenset({"system"}),
    "queue_prior": frozenset({"system"}),
    "hear_correction": frozenset({"client", "system"}),
    "note_corrections_told": frozenset({"client", "system"}),
    "note_transfer": frozenset({"system"}),
    **dict.fromkeys(("note_link", "miss_line", "hear_line"), frozenset({"system"})),
    "name_centre": frozenset({"system"}),
    "hear_centre": frozenset({"system"}),
    "miss_centre": frozenset({"system"}),
    "expect_exams": frozenset({"system"}),
    "note_told": frozenset({"system"}),
    "recycle_study": frozenset({"system"}),
    **workitems.CAN,
    "count_traffic": frozenset({"system"}),
    "note_refusal": frozenset({"modality", "system"}),
    "send_phantoms": frozenset({"system"}),
    "note_phantom_stored": frozenset({"system"}),
    "note_phantom_queued": frozenset({"system"}),
    "note_phantom_read": frozenset({"system"}),
    "end_phantoms": frozenset({"system"}),
    "fail_phantom": frozenset({"system"}),
}
# the ways to know that a study is complete, most trusted first
TRUST = ("manifest", "mpps", "expected", "quiet")
PRIORS = 3  # earlier exams brought before they are needed
# how much longer than usual a study is waited for while its modality is at work or images announced are missing
PATIENT = 30
LAST_RANK = 4  # of a transfer; 0 is the most urgent
# why an image is not kept (PS3.4, J.3.3.1.1): cannot be vouched for, is not here, is of another class
UNSURE, NOT_HERE, OTHER_CLASS = 0x0110, 0x0112, 0x0119
KEEPINGS = ("", "sent", "htj2k")
# the transfer syntaxes of HTJ2K (PS3.5, 8.2.14); those without a lossless word may lose
HTJ2K = ("1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203")
STUDY, SERIES, INSTANCE, SOP_CLASS = "0020000D", "0020000E", "00080018", "00080016"
_AE_TITLE = re.compile(r"[\x20-\x5b\x5d-\x7e]{1,16}")  # PS3.5, 6.2: no backslash, no control characters


class NotDicom(Invalid):
    """This is not a DICOM file, or it is damaged beyond reading."""

    dimse = 0xC000  # PS3.4, B.2.3: cannot understand


class Truncated(Invalid):
    """This DICOM file ends before it is whole."""

    dimse = 0xC000


class TooLarge(Invalid):
    """This DICOM file grows beyond all measure when it is unpacked."""

    dimse = 0xA700  # PS3.4, B.2.3: out of resources


class PixelsElsewhere(Invalid):
    """The pixels of this image stay with its sender; there is nothing to keep."""

    dimse = 0xC122  # PS3.18, I.2.2: transfer syntax not supported; PS3.4, B.2.3: cannot understand


class BadUid(Invalid):
    """This DICOM file lacks a valid {name}."""

    dimse = 0xA900


class OtherInstance(Invalid):
    """This image is not the one that its sender named."""

    dimse = 0xA900


class NotYourPlace(NotAllowed):
    """You hold no post at the place of this study."""


class OtherPlacesStudy(NotAllowed):
    """This study is another place's; images are added to it there."""


class NoSuchStudy(Refused):
    """There is no study here that you can see."""

    http = 404
    fhir_issue = "not-found"
    dimse = 0x0112


class NoSuchSource(Refused):
    """There is no such modality or system."""

    http = 404
    fhir_issue = "not-found"


class AlreadyMatched(Refused):
    """This study already belongs to a patient; take it back first."""


class NotMatched(Refused):
    """This study belongs to no patient yet."""


class AlreadySettled(Refused):
    """Somebody has settled this conflict."""


class AeTitleTaken(Refused):
    """Another system already has the AE title {ae_title}."""


class BadAeTitle(Invalid):
    """An AE title has 1 to 16 letters, digits or signs, no backslash."""


class StepKnown(Refused):
    """This procedure step was already begun."""

    dimse = 0x0111  # PS3.7, C.5.9: duplicate SOP instance


class StepOver(Refused):
    """This procedure step is over; it can no longer be changed."""

    dimse = 0x0110  # PS3.4, F.7.2.2.2: processing failure, may no longer be updated


class NoStep(Refused):
    """There is no such procedure step."""

    http = 404
    fhir_issue = "not-found"
    dimse = 0x0112  # PS3.7, C.5.13: no such object instance


class BadStep(Invalid):
    """A procedure step names itself and its study by valid UIDs."""

    dimse = 0x0106  # PS3.7, C.5.11: invalid attribute value


class BadAnnouncement(Invalid):
    """An announcement names a study by its UID and a number of images above zero."""


class BadAddress(Invalid):
    """The address must be an IP address, or a network; with a port, one address."""


class BadManifest(Invalid):
    """A manifest names a study and its images: each by its UID, its series, its SHA-256 and its size."""


class ContentDiffers(Invalid):
    """The file that came is not the one that its site named."""


class NotAGateway(Refused):
    """This instance is no hospital's gateway."""


class BadLink(Invalid):
    """A link has a name, and an address that begins with https:// or http://."""


class LinkNameTaken(Refused):
    """Another link is already called {name}."""


class NoSuchLink(Refused):
    """There is no such link."""

    http = 404
    fhir_issue = "not-found"


class NotQueued(Refused):
    """This study is not on its way anywhere."""


class BadRank(Invalid):
    """The urgency of a transfer is a number from 0, the most urgent, to 4."""


class NeedsAddress(Invalid):
    """Say from which address or network it calls; only the demonstration does without."""


class WrongLevel(Invalid):
    """A query names a level of its information model: PATIENT, STUDY, SERIES or IMAGE."""

    dimse = 0xA900  # PS3.4, C.4.1.1.4: identifier does not match SOP class


class KeyMissing(Invalid):
    """{key} must name one, unless relational queries are agreed."""

    dimse = 0xA900


class TooMany(Refused):
    """More than {most} match: ask more narrowly."""

    dimse = 0xA700  # PS3.4, C.4.1.1.4: out of resources


class NoSuchKeeping(Invalid):
    """Images are kept as they were sent, or encoded again without loss."""


class OtherStudy(Refused):
    """This image names another study or series; it cannot take the place of the first."""


def check_uids(metadata: Mapping[str, Any]) -> None:
    """A data set names its class, itself, its series and its study."""
    names = {SOP_CLASS: "SOP Class UID", INSTANCE: "SOP Instance UID", SERIES: "Series Instance UID",
             STUDY: "Study Instance UID"}  # fmt: skip
    for tag, name in names.items():
        if not is_uid(next(iter(metadata.get(tag, {}).get("Value") or ()), None)):
            raise BadUid(name=name)


def check_commitment(uid: str, instances: Mapping[str, str]) -> None:
    """A request for commitment names itself, and one image at least, with valid UIDs."""
    if not instances or not all(map(is_uid, (uid, *instances, *instances.values()))):
        raise BadCommitment


def check_named(metadata: Mapping[str, Any], named: tuple[str, str] | None) -> None:
    """A data set is of the class, and is the instance, that its sender named beside it."""
    if named and named != (metadata[SOP_CLASS]["Value"][0], metadata[INSTANCE]["Value"][0]):
        raise OtherInstance


def check_rank(rank: int) -> None:
    """Five classes of urgency."""
    if not 0 <= rank <= LAST_RANK:
        raise BadRank


def check_link(name: str, url: str) -> None:
    """A link is called something and leads somewhere."""
    if not name.strip() or len(url) > 200 or not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url):
        raise BadLink


def check_step(uid: str, study_uid: str) -> None:
    """A step is named, and so is its study."""
    if not (is_uid(uid) and is_uid(study_uid)):
        raise BadStep


def check_announcement(study_uid: str, instances: int) -> None:
    """An announcement makes sense."""
    if not is_uid(study_uid) or not 0 < instances < 2**31:
        raise BadAnnouncement


def check_address(address: str, port: int | None, *, needed: bool = False) -> None:
    """An address is an IP address or network, or empty for any where none is needed; who is sent to has one address."""
    if needed and not address:
        raise NeedsAddress
    try:
        if address:
            ip_address(address) if port else ip_network(address, strict=False)
    except ValueError as error:
        raise BadAddress from error
    if port is not None and not (address and 0 < port < 1 << 16):
        raise BadAddress


def comes_from(address: str, allowed: str) -> bool:
    """Whether a caller's address is the one, or of the network, that is allowed; an empty one allows any."""
    if not allowed:
        return True
    caller = ip_address(address)
    caller = getattr(caller, "ipv4_mapped", None) or caller
    return caller in ip_network(allowed, strict=False)


def check_administers(place: UUID, *, by: Actor) -> None:
    """An administrator of a place decides which machines send for it; one of the country decides for every place."""
    if not by.is_system and not any(held.role == "administrator" and held.place in (None, place) for held in by.held):
        raise NotAllowed


def check_administers_all(place: UUID | None, *, by: Actor) -> None:
    """Whoever administers a place decides for it; what is of every place is for administrators of the country."""
    if by.is_system or by.holds("administrator", place) and (place or Held("administrator", None) in by.held):
        return
    raise NotAllowed


def check_sends(place: UUID | None, *, by: Actor) -> None:
    """A study is sent, and its urgency said, by its own place; an administrator of the country does it for all."""
    if Held("administrator", None) not in by.held:
        check_own_place(place, by=by)


def check_ae_title(ae_title: str) -> None:
    """An AE title is what PS3.5 says."""
    if not _AE_TITLE.fullmatch(ae_title) or not ae_title.strip():
        raise BadAeTitle


def check_keeping(keeping: str) -> None:
    """Images are kept in one of the known ways; empty is the usual one of this instance."""
    if keeping not in KEEPINGS:
        raise NoSuchKeeping


def check_own_place(place: UUID | None, *, by: Actor) -> None:
    """Whoever acts on a place's studies holds a post there (or for the whole country), or is Wasl itself."""
    if not is_own_place(place, by=by):
        raise NotYourPlace


def check_one_place(places: set[UUID | None], *, by: Actor) -> None:
    """Whoever settles what came from another place than where it is known holds a post at one of the two."""
    if not any(is_own_place(place, by=by) for place in places):
        raise NotYourPlace


def is_own_place(place: UUID | None, *, by: Actor) -> bool:
    """Whether somebody holds a post at a place or for the whole country, or is Wasl itself."""
    return by.is_system or bool({place, None} & {held.place for held in by.held})


def more_trusted(how: str, than: str) -> bool:
    """Whether one way of knowing that a study is complete is trusted more than another."""
    return TRUST.index(how) < TRUST.index(than)


def check_rejects(place: UUID | None, *, reads: bool, by: Actor) -> None:
    """Images are taken back where they are made, or by a reader to whom the patient's record is open."""
    if not (reads and rejecting.READERS & by.roles):
        check_own_place(place, by=by)
