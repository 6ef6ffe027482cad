"""How many examples property tests draw: a fixed budget in CI, many more by `make test-long`.

TEST_BUDGET names the profile. In `ci` each run draws the same examples, so a failure there is one anywhere;
`long` draws others each time and prints how to get a failing one back.
"""

import os

from hypothesis import HealthCheck, Phase, settings

SCALES = {"ci": 0.6, "long": 10}  # of what each test asks for; CI has a quarter of an hour for all
BUDGET = os.environ.get("TEST_BUDGET", "ci")
NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
# Where an example takes seconds, making a failing one smaller takes minutes: there is time for that in `long`.
SLOW = tuple(Phase) if BUDGET == "long" else NO_SHRINKING


def examples(asked: int) -> int:
    """The number of examples of a test that asks for so many."""
    return max(1, round(asked * SCALES[BUDGET]))


def load_profile() -> None:
    """Make the chosen profile hypothesis's own; before the tests are imported."""
    for name, scale in SCALES.items():
        settings.register_profile(
            name,
            max_examples=round(100 * scale),
            deadline=None,  # a slow machine is no failure
            suppress_health_check=[HealthCheck.too_slow],
            derandomize=name == "ci",
            print_blob=True,
        )
    settings.load_profile(BUDGET)
