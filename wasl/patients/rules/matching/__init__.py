"""Who is who: records of many places brought together into persons, or left to people, each with its reasons."""
