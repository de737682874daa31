"""Where care is given: regions, hospitals and units, each with the dates it holds; the country's days off."""
