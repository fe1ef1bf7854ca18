"""Archives: images from a PACS, over DICOMweb, DIMSE or from a folder, and results back into it."""
