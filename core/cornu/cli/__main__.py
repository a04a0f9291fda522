"""`python -m cornu.cli`, for where the script `cornu` is not on the path."""

import sys

from cornu.cli import main

sys.exit(main())
