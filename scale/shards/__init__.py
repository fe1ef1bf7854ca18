"""An index in shards: each holds a share of the images, and together they answer as the one index would."""
