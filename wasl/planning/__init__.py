"""What is needed: volume, turnaround, quality, cover and equity, by hospital, region and country."""
