"""What every module stands on: rows, facts, verbs, errors, actors, FHIR and text. No medicine here."""
