"""Before anything else is imported: Ray reads how it authenticates once, when it is imported.

The token is made for this session, so that a Ray that a test starts and the tests that connect to it have the same.
"""

import os
import secrets

os.environ.setdefault("RAY_AUTH_MODE", "token")
os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
