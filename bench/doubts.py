"""Acts in doubt: how much of the fraud injected in made-up months is found, and how many honest acts are doubted."""

import os

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wasl.settings")
    django.setup()
    from tests.contracts.doubting import told

    for seed in (1, 2, 3):
        print("\n".join(told(seed)), end="\n\n")
