"""Whether the examples hold every value of the default rule set: each small change of it makes one of them fail."""

from pathlib import Path

import pytest

from signals.examples import Case, read_examples, try_example
from signals.rulesets import RuleSet, default_rule_set
from tests.mutants import mutants

CASES = Path(__file__).parents[1] / "cases"
# `known_client` always holds a word. So "not a stranger" is "a known client", whether that is asked beside it or not.
SAYS_THE_SAME = {
    "rules.5.needs.0.any_of: ['listed'] -> away",
    "rules.5.needs.0.any_of: ['listed'] -> ['listed', 'not_listed']",
}


@pytest.mark.mutation
def test_every_small_change_of_the_default_makes_an_example_fail() -> None:
    cases = read_examples(CASES)
    tried = dict(mutants(default_rule_set()))
    alive = {name for name, mutant in tried.items() if not _is_noticed(mutant, cases)}
    assert alive == SAYS_THE_SAME
    assert len(tried) > 180  # that the changes themselves are still made


def _is_noticed(mutant: RuleSet, cases: list[Case]) -> bool:
    return any(try_example(mutant, case) for case in cases)
