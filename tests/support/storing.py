"""An application that stores images in a receiver, as a scanner does."""

from __future__ import annotations

import gc
import warnings
from contextlib import contextmanager
from pathlib import Path

import pydicom
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE
from support.archive_files import CT

from pacs.reactor import leave_answers

LOST = None
"""In the place of a status: the association is gone."""


@contextmanager
def association(port, called="SEMBLANCE", calling="SCANNER", kind=CT):
    """Associate with a receiver of this machine; what is yielded may be not established."""
    entity = AE(ae_title=calling)
    entity.add_requested_context(kind, [ExplicitVRLittleEndian])
    entity.acse_timeout = entity.dimse_timeout = entity.connection_timeout = 60
    link = leave_answers(entity.associate("127.0.0.1", port, ae_title=called))
    try:
        yield link
    finally:
        if link.is_established:
            link.release()
        else:
            collect_sockets()


def collect_sockets():
    """Collect the sockets of broken connections, which pynetdicom leaves open; a warning fails a test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def store(link, what):
    """Store a file or a data set, and return the status; LOST if the association is gone."""
    dataset = pydicom.dcmread(what) if isinstance(what, Path) else what
    try:
        status = link.send_c_store(dataset)
    except RuntimeError:  # it was gone before
        return LOST
    return int(status.Status) if status else LOST


def store_all(port, folder, **about):
    """Store all files of a folder over one association, and return the statuses."""
    with association(port, **about) as link:
        return [store(link, path) for path in sorted(folder.rglob("*.dcm"))]
