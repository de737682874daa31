"""The network's members: which outside systems speak to Wasl, what each of them said, and what became of it."""
