"""What a joining gateway says is sealed to the centre's door (HPKE, RFC 9180), so that only the centre can read it.

The way to the centre may end at a proxy, and may be watched: a code that somebody else read could be used before us.
"""

import base64
import json

from cryptography import x509
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import ec

SUITE = hpke.Suite(hpke.KEM.P256, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
PURPOSE = b"wasl join 1"


class Unsealed(ValueError):
    """This was not sealed to us, or somebody changed it."""


def seal(secret: bytes, request: bytes, *, door: x509.Certificate) -> bytes:
    """A code's secret with a signing request (PEM), for the door alone."""
    key = door.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise Unsealed
    said = json.dumps({"secret": base64.b64encode(secret).decode(), "request": request.decode()})
    return SUITE.encrypt(said.encode(), key, PURPOSE)


def unseal(sealed: bytes, *, key: ec.EllipticCurvePrivateKey) -> tuple[bytes, bytes]:
    """The secret and the signing request. Raises Unsealed."""
    try:
        said = json.loads(SUITE.decrypt(sealed, key, PURPOSE))
        return base64.b64decode(said["secret"]), str(said["request"]).encode()
    except Exception as error:  # whatever a stranger's bytes make of the library
        raise Unsealed from error
