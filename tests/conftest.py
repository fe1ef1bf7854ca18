"""What holds for every test: no test fails because a machine is slow."""

from hypothesis import settings

settings.register_profile("semblance", deadline=None, print_blob=True)
settings.load_profile("semblance")
