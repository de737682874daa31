"""Who is cared for: one number per person, names in two scripts, who may look and who did."""
