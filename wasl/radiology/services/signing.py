"""The instance's seal on documents: PAdES B-B (ETSI EN 319 142-1) with the ministry's certificate or one of its own."""

import contextlib
import datetime
import io
import os
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from django.conf import settings
from django.utils import timezone

BITS = 3072
YEARS = 20


def seal(pdf: bytes, *, name: str, reason: str, location: str) -> bytes:
    """The PDF with a signature added to it, as an incremental update that leaves every byte before it alone."""
    # loaded by the process that seals, and no other: it brings 15 MB along
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import signers
    from pyhanko.sign.fields import SigSeedSubFilter

    password = settings.SIGNING_PASSWORD.encode()
    signer = signers.SimpleSigner.load_pkcs12(_certificate(), passphrase=password)  # type: ignore[no-untyped-call]
    if signer is None:
        raise RuntimeError("WASL_SIGNING_P12 cannot be opened: is WASL_SIGNING_PASSWORD its password?")
    about = signers.PdfSignatureMetadata(
        field_name="Wasl", md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES, name=name, reason=reason,
        location=location,
    )  # fmt: skip
    sealed = io.BytesIO()
    signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), about, signer=signer, output=sealed)
    return sealed.getvalue()


def _certificate() -> str:
    """Where the certificate lies; one of our own is made when none was given, by the first of several workers."""
    path: Path = settings.SIGNING_P12
    if settings.SIGNING_OURS and not path.exists():
        _write_once(path, _own_certificate(settings.SIGNING_PASSWORD))
    return str(path)


def _own_certificate(password: str) -> bytes:
    """A key with its certificate, and the authority of this instance that vouches for it, as PKCS #12."""
    root_key, key = (rsa.generate_private_key(public_exponent=65537, key_size=BITS) for _ in range(2))
    root_name, name = _name("Wasl instance authority"), _name("Wasl instance")
    root = (
        _certificate_of(root_name, root_name, root_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    own = (
        _certificate_of(name, root_name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    lock = serialization.BestAvailableEncryption(password.encode())
    return serialization.pkcs12.serialize_key_and_certificates(b"wasl", key, own, [root], lock)


def _name(title: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, settings.COUNTRY),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Wasl"),
            x509.NameAttribute(NameOID.COMMON_NAME, title),
        ]
    )


def _certificate_of(name: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey) -> x509.CertificateBuilder:
    today = timezone.now()
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(hours=1))
        .not_valid_after(today + datetime.timedelta(days=365 * YEARS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates, content_commitment=not signs_certificates, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=signs_certificates, crl_sign=signs_certificates,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _write_once(path: Path, content: bytes) -> None:
    """Write a 0600 file that appears whole or not at all; the first of several writers wins."""
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".signing-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        Path(draft).unlink()
