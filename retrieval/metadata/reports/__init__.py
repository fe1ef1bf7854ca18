"""Reports: the terms that free text affirms of images, in English and German."""

from .report_files import ReportFiles, digest_of
from .report_table import read_reports
from .terms import TERMS, Term, read_terms

__all__ = ["TERMS", "ReportFiles", "Term", "digest_of", "read_reports", "read_terms"]
