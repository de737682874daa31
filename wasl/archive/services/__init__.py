"""What is done with studies: taken in, completed, matched, settled."""

from wasl.archive.services.burned import (
    look_for_text,
    note_burned_text,
)
from wasl.archive.services.carrying import (
    begin_carried,
    end_carried,
    take_moves,
)
from wasl.archive.services.commitments import (
    answer_commitment,
    ask_commitment,
    hear_commitment,
    request_commitment,
)
from wasl.archive.services.completing import (
    announce,
    complete_quiet,
    complete_study,
)
from wasl.archive.services.conflicts import (
    settle_conflict,
)
from wasl.archive.services.copying import (
    Copied,
    copy_everything,
    copy_study,
)
from wasl.archive.services.corrections import (
    hear_correction,
    note_corrections_told,
)
from wasl.archive.services.damage import (
    mend_copy,
    queue_of,
    register_folder,
    report_damage,
)
from wasl.archive.services.discs import (
    begin_disc,
    drop_disc,
    read_disc,
    take_disc,
)
from wasl.archive.services.errands import (
    SLOW,
)
from wasl.archive.services.gateway import (
    Exam,
    expect_exams,
    hear_centre,
    miss_centre,
    name_centre,
    note_told,
    recycle_study,
)
from wasl.archive.services.identities import (
    identify_study,
)
from wasl.archive.services.layouts import (
    forget_layout,
    import_layout,
    rename_layout,
    save_layout,
    use_layout,
)
from wasl.archive.services.living import (
    draft,
    own_folder,
)
from wasl.archive.services.manifests import (
    Image,
    announce_manifest,
    hear,
)
from wasl.archive.services.marks import (
    save_marks,
)
from wasl.archive.services.matching import (
    match_study,
    rematch_study,
    unmatch_study,
)
from wasl.archive.services.meta import (
    Digests,
    data_set_start,
    hash_file,
    named_in,
    read_digests,
)
from wasl.archive.services.metadata import (
    changes,
    forget_metadata,
    prepare_metadata,
    prepare_series,
)
from wasl.archive.services.outside import (
    announce_availability,
    ask_for_studies,
    bring_announced,
    bring_studies,
    end_bringing,
    fetch_priors,
    hear_availability,
    hear_of_studies,
)
from wasl.archive.services.partial import (
    append,
    how_far,
    partial_path,
)
from wasl.archive.services.phantoms import (
    IMAGES,
    end_phantoms,
    fail_phantom,
    note_phantom_queued,
    note_phantom_read,
    note_phantom_stored,
    send_phantoms,
)
from wasl.archive.services.preliminary import (
    write_preliminary,
)
from wasl.archive.services.priors import (
    queue_prior,
    want_priors,
)
from wasl.archive.services.receivers import (
    add_receiver,
    close_receiver,
    end_sending,
    note_copy,
    note_standstill,
    send_release,
)
from wasl.archive.services.receiving import (
    Outcome,
    receive,
)
from wasl.archive.services.regrouping import (
    merge_studies,
    move_images,
    undo_regrouping,
)
from wasl.archive.services.rejecting import (
    end_telling,
    note_giving,
    pass_rejection_on,
    reject_images,
    restore_images,
)
from wasl.archive.services.releases import (
    Named,
    approve_release,
    ask_release,
    clear_copies,
    clear_release,
    end_release,
    fetch_release,
    give_pseudonym,
    open_project,
    refuse_release,
    resolve_pseudonym,
    start_release,
)
from wasl.archive.services.rows import (
    Incoming,
)
from wasl.archive.services.scrubbing import (
    Scrubbed,
    scrub_bucket,
    scrub_folder,
)
from wasl.archive.services.separating import (
    separate_images,
    undo_separation,
)
from wasl.archive.services.sharing import (
    Shared,
    end_shares,
    fetch_share,
    open_share,
    outsider,
    share_study,
    withdraw_share,
)
from wasl.archive.services.silences import (
    hear_line,
    miss_line,
)
from wasl.archive.services.sources import (
    add_source,
    change_keeping,
    close_source,
)
from wasl.archive.services.steps import (
    change_step,
    complete_step,
    discontinue_step,
    give_up_steps,
    start_step,
)
from wasl.archive.services.store import (
    Stored,
    adopt,
    arriving,
    clear_dead,
    discard,
    enter,
    flush,
    forget,
    hasten,
    mark_folder,
    put,
    release,
    room,
    shortage,
    sweep,
)
from wasl.archive.services.subscriptions import (
    REPORTS_KEPT,
    add_subscriber,
    note_handed,
    subscribe_workitems,
    suspend_workitems,
    take_line,
    unsubscribe_workitems,
)
from wasl.archive.services.tables import (
    keep_frame_table,
)
from wasl.archive.services.tiers import (
    BACKUP,
    add_retention,
    clear_recalled,
    close_retention,
    release_due,
    release_files,
)
from wasl.archive.services.traffic import (
    count_traffic,
    note_refusal,
)
from wasl.archive.services.transcoding import (
    Transcoded,
    let_originals_go,
    transcode_images,
)
from wasl.archive.services.transfers import (
    Progress,
    add_link,
    close_link,
    note_link,
    note_transfer,
    queue_transfer,
    rank_transfer,
)
from wasl.archive.services.uploading import (
    probe,
)
from wasl.archive.services.workitems import (
    ask_workitem_cancellation,
    change_workitem_state,
    create_workitem,
    follow_study,
    update_workitem,
)

__all__ = [
    "BACKUP",
    "Copied",
    "Digests",
    "Exam",
    "IMAGES",
    "Image",
    "Incoming",
    "Named",
    "Outcome",
    "Progress",
    "REPORTS_KEPT",
    "SLOW",
    "Scrubbed",
    "Shared",
    "Stored",
    "Transcoded",
    "add_link",
    "add_receiver",
    "add_retention",
    "add_source",
    "add_subscriber",
    "adopt",
    "announce",
    "announce_availability",
    "announce_manifest",
    "answer_commitment",
    "append",
    "approve_release",
    "arriving",
    "ask_commitment",
    "ask_for_studies",
    "ask_release",
    "ask_workitem_cancellation",
    "begin_carried",
    "begin_disc",
    "bring_announced",
    "bring_studies",
    "change_keeping",
    "change_step",
    "change_workitem_state",
    "changes",
    "clear_copies",
    "clear_dead",
    "clear_recalled",
    "clear_release",
    "close_link",
    "close_receiver",
    "close_retention",
    "close_source",
    "complete_quiet",
    "complete_step",
    "complete_study",
    "copy_everything",
    "copy_study",
    "count_traffic",
    "create_workitem",
    "data_set_start",
    "discard",
    "discontinue_step",
    "draft",
    "drop_disc",
    "end_bringing",
    "end_carried",
    "end_phantoms",
    "end_release",
    "end_sending",
    "end_shares",
    "end_telling",
    "enter",
    "expect_exams",
    "fail_phantom",
    "fetch_priors",
    "fetch_release",
    "fetch_share",
    "flush",
    "follow_study",
    "forget",
    "forget_layout",
    "forget_metadata",
    "give_pseudonym",
    "give_up_steps",
    "hash_file",
    "hasten",
    "hear",
    "hear_availability",
    "hear_centre",
    "hear_commitment",
    "hear_correction",
    "hear_line",
    "hear_of_studies",
    "how_far",
    "identify_study",
    "import_layout",
    "keep_frame_table",
    "let_originals_go",
    "look_for_text",
    "mark_folder",
    "match_study",
    "mend_copy",
    "merge_studies",
    "miss_centre",
    "miss_line",
    "move_images",
    "name_centre",
    "named_in",
    "note_burned_text",
    "note_copy",
    "note_corrections_told",
    "note_giving",
    "note_handed",
    "note_link",
    "note_phantom_queued",
    "note_phantom_read",
    "note_phantom_stored",
    "note_refusal",
    "note_standstill",
    "note_told",
    "note_transfer",
    "open_project",
    "open_share",
    "outsider",
    "own_folder",
    "partial_path",
    "pass_rejection_on",
    "prepare_metadata",
    "prepare_series",
    "probe",
    "put",
    "queue_of",
    "queue_prior",
    "queue_transfer",
    "rank_transfer",
    "read_digests",
    "read_disc",
    "receive",
    "recycle_study",
    "refuse_release",
    "register_folder",
    "reject_images",
    "release",
    "release_due",
    "release_files",
    "rematch_study",
    "rename_layout",
    "report_damage",
    "request_commitment",
    "resolve_pseudonym",
    "restore_images",
    "room",
    "save_layout",
    "save_marks",
    "scrub_bucket",
    "scrub_folder",
    "send_phantoms",
    "send_release",
    "separate_images",
    "settle_conflict",
    "share_study",
    "shortage",
    "start_release",
    "start_step",
    "subscribe_workitems",
    "suspend_workitems",
    "sweep",
    "take_disc",
    "take_line",
    "take_moves",
    "transcode_images",
    "undo_regrouping",
    "undo_separation",
    "unmatch_study",
    "unsubscribe_workitems",
    "update_workitem",
    "use_layout",
    "want_priors",
    "withdraw_share",
    "write_preliminary",
]
