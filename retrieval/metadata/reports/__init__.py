"""Reports: the terms that free text affirms of images, in English and German."""

from .report_table import read_reports
from .terms import Term, read_terms

__all__ = ["Term", "read_reports", "read_terms"]
