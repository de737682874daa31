"""What is drawn by lot for people to read, say or type."""

import secrets
from typing import Final

LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # none that is heard or read for another
LENGTH: Final = 8  # 39 bits


def drawn() -> str:
    """Eight letters that nobody guesses."""
    return "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
