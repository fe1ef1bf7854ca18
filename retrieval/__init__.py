"""Pictures in, rankings out: the ground that both families of representation stand on."""
