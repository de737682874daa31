"""What follows from a fact, own or heard from below."""
