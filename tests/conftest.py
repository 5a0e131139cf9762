"""Before anything else is imported: Ray reads how it authenticates once, when it is imported.

The token is made for this session, so that a Ray that a test starts and the tests that connect to it have the same.
Property tests have no deadline an example: cores are shared.
"""

import os
import secrets

from hypothesis import settings

os.environ.setdefault("RAY_AUTH_MODE", "token")
os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
settings.register_profile("shared cores", deadline=None)
settings.load_profile("shared cores")
