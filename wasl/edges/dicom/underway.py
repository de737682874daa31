"""Studies on their way over a thin line, as their sender knows them."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from wasl.archive import services as archive


@dataclass
class File:
    """An image to be sent: where it lies, how large it is, and how far the other side has it."""

    key: UUID
    digest: bytes
    size: int
    native: bool
    at: int = 0
    tries: int = 0


@dataclass
class Job:
    """A study on its way: its images by hash, those that the other side lacks in their order, and what it was told."""

    files: dict[bytes, File] = field(default_factory=dict)
    left: list[File] = field(default_factory=list)
    refused: dict[bytes, str] = field(default_factory=dict)
    told: tuple[int, bool] | None = None  # images, and whether they are all; None: to be told again
    quiet_until: float = 0.0  # while images come from the modality, the manifest is told again only now and then
    carried: int = 0  # bytes since the last note
    touched: bool = False

    @property
    def size(self) -> int:
        """Bytes of all its images."""
        return sum(file.size for file in self.files.values())

    def progress(self) -> archive.Progress:
        """How far it is, for its row."""
        short = sum(file.size - file.at for file in self.left)
        refused = sum(self.files[digest].size for digest in self.refused if digest in self.files)
        return archive.Progress(
            images=len(self.files), images_sent=len(self.files) - len(self.left) - len(self.refused),
            size=self.size, sent=self.size - short - refused, carried=self.carried,
        )  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What the other side answered: how far files are that it lacks or that were touched, and what it refused."""

    missing: dict[bytes, int]
    at: dict[bytes, int]
    refused: dict[bytes, str]

    @classmethod
    def of(cls, told: dict[str, dict[str, Any]]) -> "Told":
        """From its JSON. Raises ValueError, TypeError, AttributeError."""
        missing, at, refused = (
            {bytes.fromhex(digest): value for digest, value in told.get(name, {}).items()}
            for name in ("missing", "at", "refused")
        )
        return cls(
            missing={digest: int(far) for digest, far in missing.items()},
            at={digest: int(far) for digest, far in at.items()},
            refused={digest: str(code) for digest, code in refused.items()},
        )
