"""What a gateway holds to be known by: its key and certificate, the authority it trusts, the centre's address.

The key is made here and never leaves. Key and certificate lie in one file, replaced by one rename, so that a machine
that loses power in the middle of a renewal starts again with a pair that fits.
"""

import contextlib
import datetime
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PAIR, AUTHORITY, CENTRE = "gateway.pem", "gateway-authority.pem", "gateway.json"


class NotJoined(RuntimeError):
    """This machine has not joined a centre: run `wasl edge join`."""


@dataclass(frozen=True)
class Joined:
    """The centre's links door, as its address was told when this gateway joined."""

    links: str


def new_key() -> tuple[bytes, bytes]:
    """A private key and a signing request for it, both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway")])  # the centre gives the real one
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, request.public_bytes(serialization.Encoding.PEM)


def fits(key: bytes, certificate: x509.Certificate) -> bool:
    """Whether a certificate is for this key."""
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    ours = serialization.load_pem_private_key(key, None).public_key()
    return ours.public_bytes(*form) == certificate.public_key().public_bytes(*form)


def keep_pair(home: Path, key: bytes, certificate: bytes) -> None:
    """Keep a key with its certificate, in the place of those before."""
    _write(home / PAIR, key + certificate)


def keep_centre(home: Path, joined: Joined, authority: bytes) -> None:
    """Keep whom this gateway works for and whom it trusts."""
    _write(home / AUTHORITY, authority)
    _write(home / CENTRE, json.dumps(asdict(joined)).encode())


def joined(home: Path) -> Joined:
    """The centre. Raises NotJoined."""
    try:
        found = Joined(**json.loads((home / CENTRE).read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise NotJoined from error
    if not (home / PAIR).exists():
        raise NotJoined
    return found


def certificate(home: Path) -> x509.Certificate:
    """The certificate that is shown now. Raises NotJoined."""
    try:
        return x509.load_pem_x509_certificate((home / PAIR).read_bytes())
    except (OSError, ValueError) as error:
        raise NotJoined from error


def is_due(found: x509.Certificate, now: datetime.datetime) -> bool:
    """Whether two thirds of a certificate's life are over."""
    life = found.not_valid_after_utc - found.not_valid_before_utc
    return now >= found.not_valid_before_utc + life * 2 / 3


def _write(path: Path, content: bytes) -> None:
    """Write a 0600 file that replaces the one before, whole or not at all."""
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".gateway-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(draft).unlink()
