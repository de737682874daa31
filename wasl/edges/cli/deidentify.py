"""`wasl deidentify`: studies copied without what names anybody."""

from pathlib import Path

import click

from wasl.edges.cli.instance import instance


@click.command()
@click.argument("studies", nargs=-1, required=True)
@click.option("--project", "name", required=True, help="Within it a person has one pseudonym; opened when it is new.")
@click.option("--place", "code", help="The code of the place of a new project.")
@click.option("--option", "options", multiple=True, help="An option of PS3.15, E.3; give it once for each: full-dates, "
              "shifted-dates, patient, device, institution, uids, descriptors, safe-private.")  # fmt: skip
@click.option("--to", type=click.Path(path_type=Path), required=True, help="A new folder, or a file that ends in .zip.")
def deidentify(studies: tuple[str, ...], name: str, code: str | None, options: tuple[str, ...], to: Path) -> None:
    """Copy STUDIES, named by their Study Instance UIDs, without what names anybody, for use here.

    Text in pixels is painted over; without the reader of text (the extra `ocr`), images that may carry names are
    refused.
    """
    with instance():
        from wasl.archive import queries, services
        from wasl.edges.dicom.releasing import make_release
        from wasl.kernel.access import SYSTEM
        from wasl.kernel.errors import Refused
        from wasl.places import queries as places

        try:
            project = queries.project(name, viewer=SYSTEM)
            if project is None and code is None:
                raise click.UsageError(f"There is no project {name}: to open it, say --place.")
            keys = [queries.study_by_uid(uid, viewer=SYSTEM).id for uid in studies]
            if project is None and code is not None:
                place = places.place_by_code(code, viewer=SYSTEM).id
                project = services.open_project(name, place=place, by=SYSTEM)
            assert project is not None  # noqa: S101  it was found or opened
            release = services.ask_release(project.id, studies=keys, purpose="teaching", options=options, by=SYSTEM)
            left_out = make_release(release.id, to)
        except Refused as refusal:
            raise click.ClickException(refusal.sentence) from refusal
        except FileExistsError as error:
            raise click.ClickException(f"{to} is there already.") from error
        images = queries.release(release.id, viewer=SYSTEM).images
    click.echo(f"{images} images copied to {to}.")
    for why, count in left_out.items():
        click.echo(f"{count} images left out: {why}.")
