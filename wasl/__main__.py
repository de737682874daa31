"""`python -m wasl` is the `wasl` command."""

from wasl.edges.cli.main import main

if __name__ == "__main__":
    main()
