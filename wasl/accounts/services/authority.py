"""The centre's own authority over its gateways: its key, the certificates it gives, and the codes that name it.

It vouches for one server, the door of the links, and for the gateways, so that each side trusts nothing else; the names
and the authorities of the web play no part. A code carries, beside its secret, a fingerprint of the authority: whoever
types it in knows whom to trust before anything is told (decision 19).
"""

import base64
import contextlib
import datetime
import hashlib
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.conf import settings
from django.utils import timezone

from wasl.accounts import rules

DOOR = "links.wasl"  # the name of the only server that the authority vouches for, wherever it stands
AUTHORITY_YEARS, DOOR_YEARS = 20, 2
DAYS = 90  # of a gateway's certificate
SECRET, FINGERPRINT = 10, 10  # bytes in a code: 16 letters each

Pair = tuple[ec.EllipticCurvePrivateKey, x509.Certificate]


@dataclass(frozen=True)
class Code:
    """What a gateway joins with: a secret of 80 bits, and the first 80 bits of the authority's SHA-256."""

    secret: bytes
    fingerprint: bytes

    @property
    def printed(self) -> str:
        """As people read it: groups of four capital letters and digits, none of which look alike."""
        text = base64.b32encode(self.secret + self.fingerprint).decode()
        return "-".join(text[at : at + 4] for at in range(0, len(text), 4))

    @property
    def digest(self) -> bytes:
        """What is kept of it."""
        return hashlib.sha256(self.secret).digest()

    def names(self, authority: x509.Certificate) -> bool:
        """Whether this is the authority that the code was made by."""
        return authority.fingerprint(hashes.SHA256())[:FINGERPRINT] == self.fingerprint


def new_code() -> Code:
    """A code that nobody has yet."""
    _, authority = _authority()
    return Code(secrets.token_bytes(SECRET), authority.fingerprint(hashes.SHA256())[:FINGERPRINT])


def read_code(text: str) -> Code:
    """The code that somebody typed in, in small letters or without its dashes. Raises BadCode."""
    letters = "".join(letter for letter in text.upper() if letter.isalnum())
    try:
        raw = base64.b32decode(letters)
    except ValueError as error:
        raise rules.BadCode from error
    if len(raw) != SECRET + FINGERPRINT:
        raise rules.BadCode
    return Code(raw[:SECRET], raw[SECRET:])


def vouched_for(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether the authority signed this certificate and it holds today."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return certificate.not_valid_before_utc <= timezone.now() < certificate.not_valid_after_utc


def door_certificate() -> tuple[Path, Path]:
    """Where the door's key with its certificate lies, and the authority's certificate; made when missing or old."""
    _, authority = _authority()
    public = settings.DATA / "links-authority.crt.pem"
    if not public.exists():
        _write_once(public, authority.public_bytes(serialization.Encoding.PEM))
    door = settings.DATA / "links-door.pem"
    if not door.exists() or _nearly_over(_read(door)[1]):
        _write(door, _pem(*_new_door()))
    return door, public


def sign(request: bytes, *, name: str) -> x509.Certificate:
    """A certificate for the key of a signing request (PKCS #10, PEM), which proves to hold it. Raises Refused."""
    try:
        asked = x509.load_pem_x509_csr(request)
        key = asked.public_key()
        good = asked.is_signature_valid and isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp256r1"
    except (ValueError, TypeError) as error:
        raise rules.BadSigningRequest from error
    if not good or not isinstance(key, ec.EllipticCurvePublicKey):
        raise rules.BadSigningRequest
    signer, authority = _authority()
    return (
        _draft(name, authority.subject, key, datetime.timedelta(days=DAYS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )


def _authority() -> Pair:
    """The authority's key and certificate, made by the first that asks."""
    path: Path = settings.LINKS_AUTHORITY
    if not path.exists():
        _write_once(path, _pem(*_new_authority()))
    return _read(path)


def _new_authority() -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"Wasl links of {settings.COUNTRY}")
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    draft = _draft(f"Wasl links of {settings.COUNTRY}", name, key.public_key(), _years(AUTHORITY_YEARS))
    return key, (
        draft.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )


def _new_door() -> Pair:
    signer, authority = _authority()
    key = ec.generate_private_key(ec.SECP256R1())
    return key, (
        _draft(DOOR, authority.subject, key.public_key(), _years(DOOR_YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(DOOR)]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )


def _draft(
    title: str, issuer: x509.Name, key: ec.EllipticCurvePublicKey, life: datetime.timedelta
) -> x509.CertificateBuilder:
    now = timezone.now()
    return (
        x509.CertificateBuilder()
        .subject_name(_name(title))
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))  # clocks differ, and are set back
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(title: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, settings.COUNTRY),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Wasl"),
            x509.NameAttribute(NameOID.COMMON_NAME, title[:64]),
        ]
    )


def _years(count: int) -> datetime.timedelta:
    return datetime.timedelta(days=365 * count)


def _nearly_over(certificate: x509.Certificate) -> bool:
    return certificate.not_valid_after_utc - timezone.now() < _years(DOOR_YEARS) / 2


def _pem(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> bytes:
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, *form) + certificate.public_bytes(serialization.Encoding.PEM)


def _read(path: Path) -> Pair:
    text = path.read_bytes()
    key = serialization.load_pem_private_key(text, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise RuntimeError(f"{path} holds no key on an elliptic curve.")
    return key, x509.load_pem_x509_certificate(text)


def _write_once(path: Path, content: bytes) -> None:
    """Write a 0600 file that appears whole or not at all; the first of several writers wins."""
    draft = _draft_file(path, content)
    try:
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()


def _write(path: Path, content: bytes) -> None:
    """Write a 0600 file that replaces the one before, whole or not at all."""
    _draft_file(path, content).rename(path)


def _draft_file(path: Path, content: bytes) -> Path:
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".links-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return Path(draft)
