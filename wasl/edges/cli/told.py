"""What a command that reads a file is refused, and what is wrong with the file, as the command's own error."""

import contextlib
import csv
from collections.abc import Iterator

import click


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Say a refusal, a file that is not UTF-8 and one that is not CSV in the language in force; Django is set up."""
    from django.utils.translation import gettext

    from wasl.kernel.errors import Refused

    try:
        yield
    except Refused as refusal:
        raise click.ClickException(refusal.sentence) from refusal
    except UnicodeDecodeError as error:
        raise click.ClickException(gettext("The file is not UTF-8: save it again in this encoding.")) from error
    except csv.Error as error:
        raise click.ClickException(gettext("The file is not CSV: {fault}.").format(fault=error)) from error
