"""The doors to the world: they translate and do nothing else."""
