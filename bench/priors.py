"""Do the most relevant earlier exams come before a new one is whole? Days of orders, in simulated time.

The lines, the orders and the hours are made up from a seed; what is asked for, in which order it is brought, how much
at once, and when it is tried again is Wasl's own doing, on a database of its own. Nothing is asserted.
"""

import json
import os
import subprocess
import sys

from bench.blank import blank
from bench.figures import note

ORDERS, SEED = 300, 7
STAGE = """
import json, sys, django
django.setup()
from tests import foresight
given = foresight.live(int(sys.argv[1]), int(sys.argv[2]))
print("\\n".join(foresight.told(given)), file=sys.stderr)
print(json.dumps(foresight.in_time(given)))
"""


def main() -> None:
    """Live through the days, and print the shares."""
    orders, seed = int(os.environ.get("BENCH_ORDERS", ORDERS)), int(os.environ.get("BENCH_SEED", SEED))
    with blank() as env:
        said = subprocess.run(
            [sys.executable, "-c", STAGE, str(orders), str(seed)],
            env=env,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        note("priors in time", 100 * json.loads(said.stdout.splitlines()[-1]), size=orders)


if __name__ == "__main__":
    main()
