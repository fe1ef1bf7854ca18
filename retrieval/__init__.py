"""Pictures in, rankings out: what both families of representation are built on."""
