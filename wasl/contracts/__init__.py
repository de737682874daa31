"""What is owed: acts counted once for the reader and the pair of hospitals."""
