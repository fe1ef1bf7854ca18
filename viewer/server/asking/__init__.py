"""What a question of the page means, and its answer: as at the command line."""
