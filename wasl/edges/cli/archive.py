"""`wasl archive`: how images are kept: copies, tiers, damage, and everything carried elsewhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click

from wasl.edges.cli.instance import instance

if TYPE_CHECKING:
    from wasl.edges.dicom.carried import Counted

MEGABYTE = 1 << 20


@click.group()
def archive() -> None:
    """The images: their copies, how long they stay, and all of them carried elsewhere."""


@archive.command()
def copy() -> None:
    """Hash what lies in this folder and put into the bucket what is not there, proven by reading it back."""
    with instance():
        from wasl.archive import services

        done = services.copy_everything()
    click.echo(f"{done.known} files hashed for the first time, {done.put} put into the bucket, {done.proven} proven.")


@archive.command()
@click.option("--dry-run", is_flag=True, help="Remove nothing: list what would go.")
def tiers(dry_run: bool) -> None:
    """Release local files whose time is over and that the bucket has proven; what was read today stays."""
    with instance():
        from wasl.archive import queries, services
        from wasl.kernel.access import SYSTEM

        found = list(queries.due(viewer=SYSTEM))
        for study in found:
            click.echo(f"{study.uid}  {study.files} files  {study.size / MEGABYTE:.1f} MB  after {study.days} days")
        total = sum(study.size for study in found)
        if dry_run:
            click.echo(f"{len(found)} studies, {total / MEGABYTE:.1f} MB would go.")
            return
        released = services.release_due()
    click.echo(f"{len(found)} studies were due; {released / MEGABYTE:.1f} MB went.")


@archive.command()
def rules() -> None:
    """List the rules about how long images stay on fast disks, and how long they must be kept."""
    with instance():
        from wasl.archive import queries
        from wasl.kernel.access import SYSTEM

        for row in queries.retentions(viewer=SYSTEM):
            age = f"under {row.younger_than} years" if row.younger_than else ""
            whom = [row.modality, row.place.code if row.place else "", age]
            click.echo(f"{row.id}  {row.name}: {' '.join(filter(None, whom)) or 'everything'}")
            click.echo(f"  local {row.local_days or '-'} days; kept {row.keep_years or '-'} years {row.basis}")


@archive.command()
def terms() -> None:
    """List, by place, how the legal times stand that the rules name; nothing is destroyed because one is over."""
    with instance():
        from wasl.archive import queries
        from wasl.kernel.access import SYSTEM
        from wasl.places import queries as places

        found = queries.terms(viewer=SYSTEM)
        keys = {row.place for row in found if row.place}
        codes: dict[UUID | None, str] = {place.id: place.code for place in places.places(viewer=SYSTEM, ids=keys)}
        for row in sorted(found, key=lambda row: codes.get(row.place, "")):
            kept = f"{row.running} studies must be kept, {row.alone} of them without a proven second copy"
            rest = f"of {row.over} the time is over; of {row.unsaid} no text says how long"
            click.echo(f"{codes.get(row.place, '-')}: {kept}; {rest}.")


@archive.command()
@click.argument("name")
@click.option("--modality", default="", help="Of this modality alone (CT, MR, …).")
@click.option("--place", default="", help="Of the place with this code alone.")
@click.option("--younger-than", type=int, help="Of patients younger than so many years at the exam alone.")
@click.option("--local-days", type=int, help="Days without a new image after which local files may go.")
@click.option("--keep-years", type=int, help="Years that the images must be kept at all; needs --basis.")
@click.option("--basis", default="", help="The text that says so.")
def rule(name: str, modality: str, place: str, **about: int | str | None) -> None:
    """Add a rule called NAME; of several that a study meets the longest holds."""
    with instance():
        from wasl.archive import services
        from wasl.kernel.access import SYSTEM
        from wasl.kernel.errors import Refused
        from wasl.places import queries as places

        try:
            at = places.place_by_code(place, viewer=SYSTEM).id if place else None
            row = services.add_retention(name=name, modality=modality, place=at, by=SYSTEM, **about)  # type: ignore[arg-type]
        except Refused as refusal:
            raise click.ClickException(str(refusal)) from refusal
    click.echo(f"{row.id}")


@archive.command()
@click.argument("key", type=click.UUID)
def end_rule(key: UUID) -> None:
    """End the rule with this KEY."""
    with instance():
        from wasl.archive import services
        from wasl.kernel.access import SYSTEM
        from wasl.kernel.errors import Refused

        try:
            services.close_retention(key, by=SYSTEM)
        except Refused as refusal:
            raise click.ClickException(str(refusal)) from refusal


@archive.command()
@click.option("--all", "everything", is_flag=True, help="Look at every copy.")
@click.option("--sample", type=click.IntRange(1), help="How many copies of each store to look at.")
def scrub(everything: bool, sample: int | None) -> None:
    """Hash copies, those unseen for longest first, and heal what is damaged; exit code 1 while something is."""
    limit = 1 << 62 if everything else sample
    with instance():
        from wasl.archive import queries, services
        from wasl.kernel.access import SYSTEM
        from wasl.kernel.errors import Refused

        here = services.scrub_folder(limit)
        click.echo(f"folder: {here.looked} copies looked at, {here.damaged} damaged.")
        try:
            there = services.scrub_bucket(limit)
        except Refused as refusal:
            raise click.ClickException(str(refusal)) from refusal
        click.echo(f"bucket: {there.looked} copies looked at, {there.damaged} damaged.")
        wrong = list(queries.damaged(viewer=SYSTEM))
        for row in wrong:
            click.echo(f"damaged: {row.path} in {row.folder.name if row.folder else 'the bucket'}", err=True)
    if wrong:
        raise SystemExit(1)


@archive.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def export(folder: Path) -> None:
    """Write every image into FOLDER with what is said of it and of its study; started again, it goes on.

    Exit code 1 when an image is damaged or not at hand.
    """
    with instance():
        from wasl.edges.dicom.carrying import BadFolder, write_all

        try:
            counted = write_all(folder, _progress)
        except BadFolder as error:
            raise click.ClickException(str(error)) from error
    _say(counted)


@archive.command(name="import")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
def import_(folder: Path) -> None:
    """Take in every image of an exported FOLDER, filed as it was; what is here already stays as it is.

    A study whose patient nobody here is by number and birth date is named, and left unmatched. Exit code 1 when an
    image is damaged or missing.
    """
    with instance():
        from wasl.edges.dicom.carrying import BadFolder, take_all

        try:
            counted = take_all(folder, _progress)
        except BadFolder as error:
            raise click.ClickException(str(error)) from error
    _say(counted)


@archive.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--here", is_flag=True, help="Name every image and study of FOLDER that is not here, or otherwise.")
def verify(folder: Path | None, here: bool) -> None:
    """Read every image, here or in an exported FOLDER; print the counts and one hash of all: equal means the same.

    The second hash is of what is said: where images are filed, what was taken back, whose the studies are. Exit code 1
    when one is damaged or missing, or differs.
    """
    if here and folder is None:
        raise click.UsageError("--here compares with a FOLDER.")
    with instance():
        from wasl.edges.dicom import carrying

        differ: list[str] = []
        try:
            if folder and here:
                counted, differ = carrying.compare(folder)
            else:
                counted = carrying.count_folder(folder) if folder else carrying.count_here()
        except carrying.BadFolder as error:
            raise click.ClickException(str(error)) from error
    for name in differ:
        click.echo(f"differs: {name}")
    _say(counted)
    if differ:
        raise SystemExit(1)


def _say(counted: "Counted") -> None:
    click.echo(f"{counted}")
    if counted.wrong:
        raise SystemExit(1)


def _progress(numbers: Iterator[int]) -> None:
    for number in numbers:
        if number % 1000 == 0:
            click.echo(f"{number} images …")
