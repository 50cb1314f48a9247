"""One small site, and a real server for it on a free port of this machine."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
