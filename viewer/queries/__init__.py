"""What a query means, in words or in Python: ids, files, folders, volumes, and parts of an image."""
