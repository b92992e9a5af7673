"""How often each step of each order was executed, in order, by the ledger that the steps write."""

from __future__ import annotations

import json
from collections import defaultdict

from orders import LEDGER

if __name__ == "__main__":
    executions: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for line in LEDGER.read_text().splitlines():
        written = json.loads(line)
        executions[written["order"]][written["step"]] += 1
    for order, steps in sorted(executions.items()):
        print(f"order {order}: {', '.join(step if n == 1 else f'{step} ({n})' for step, n in steps.items())}")
