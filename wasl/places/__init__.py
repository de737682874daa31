"""Where care is given: regions, hospitals, their units, each with the dates it holds."""
