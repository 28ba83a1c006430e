"""What decides. Importing `cel` would load its command line too, a terminal toolkit of 10 MB in every web worker."""

import sys
from types import ModuleType

sys.modules.setdefault("cel.cli", ModuleType("cel.cli"))
