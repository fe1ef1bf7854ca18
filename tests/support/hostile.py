"""What a decoder can do to the process that runs it; called in reading processes by name."""

import os
import signal
import time

import numpy as np

from retrieval.picture import Picture
from retrieval.readers.limits import declare


def number_of_process():
    yield os.getpid()


def spin(path=None):
    if path is not None:
        path.write_text(str(os.getpid()))
    while True:
        yield from ()


def work(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    yield "done"


def sleep(seconds):
    time.sleep(seconds)
    yield "awake"


def fill(n_bytes, n_declared=0):
    declare(n_declared, 0)
    yield int(np.ones(n_bytes, np.uint8)[-1])


def crash():
    yield "begun"
    os.kill(os.getpid(), signal.SIGSEGV)


def fail():
    yield "begun"
    raise ZeroDivisionError("of a library\nin two lines")


def pictures(n):
    for i in range(n):
        yield Picture(np.full((30, 40), i / n, np.float32), str(i), (1.0, 2.0), {"study": "s"}, {"frame": i})
