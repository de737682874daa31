"""Where an instance keeps its data, and the secrets that lie there."""

import contextlib
import hashlib
import os
import secrets
import stat
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
SYSTEM_STATE = Path("/var/lib/wasl")


def data_home() -> Path:
    """The data folder: `WASL_DATA` when set, else `place_for(".wasl")`."""
    if given := os.environ.get("WASL_DATA"):
        return Path(given).expanduser().absolute()
    return place_for(".wasl")


def place_for(name: str) -> Path:
    """A folder called `name` in the checkout, or a state folder where a checkout is missing or closed to others.

    Started by root, PostgreSQL runs under an account of its own that must be able to reach the data: a checkout
    below a closed folder (root's home) is then replaced by a system folder that belongs to that checkout alone.
    """
    root = os.geteuid() == 0
    in_checkout = (CHECKOUT / "pyproject.toml").is_file()
    if in_checkout and (reachable(CHECKOUT) or not root):
        return CHECKOUT / name
    if in_checkout:
        mark = hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:12]
        return SYSTEM_STATE / f"{CHECKOUT.name}-{mark}" / name.lstrip(".")
    if root:
        return SYSTEM_STATE / name.lstrip(".")
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(state) / name.lstrip(".")


def make_home(home: Path) -> None:
    """Make a data folder: closed to others, but that root's server, which is another account, may pass through."""
    home.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)


def reachable(path: Path) -> bool:
    """Whether any account may pass through `path` and all folders above it."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))


def database_url(home: Path) -> str:
    """The database's address: `WASL_DATABASE_URL` when set, else that of the PostgreSQL embedded in `home`."""
    if given := os.environ.get("WASL_DATABASE_URL"):
        return given
    from wasl.edges.cli.postgres import Postgres

    return Postgres(home).dsn


def secret(home: Path, name: str) -> str:
    """The secret called `name`: `WASL_SECRET_KEY` for "django", else a random one kept in `home`, made when missing."""
    if name == "django" and (given := os.environ.get("WASL_SECRET_KEY")):
        return given
    path = home / f"{name}.secret"
    if not path.exists():
        _write_once(path, secrets.token_urlsafe(48))
    return path.read_text()


def token_key(path: Path) -> str:
    """The key (RSA, PEM) that signs who somebody is for apps (OpenID Connect), made when missing."""
    if not path.exists():
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = made.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        _write_once(path, pem.decode())
    return path.read_text()


def _write_once(path: Path, text: str) -> None:
    """Write a 0600 file that appears whole or not at all; the first of several writers wins."""
    make_home(path.parent)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".secret-")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        Path(draft).unlink()
