"""Recipes: each that is understood gives the value that its line computed."""

import json

import numpy as np
import pytest

from sheer.inspect.evaluate import evaluate
from sheer.inspect.recipes import names_in, recipes_of
from steps import NAMES, recorded

CASES = [(name, "train") for name in NAMES]
CASES += [("textbook", "test"), ("textbook", "predict"), ("regularized", "predict")]


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_recipe_gives_the_value_of_its_line(name, kind):
    step = recorded(name, kind)
    recipes = recipes_of(step.rows, step.text)
    assert json.loads(json.dumps(recipes)) == recipes
    lacking = []
    for row, of in zip(step.rows, recipes, strict=True):
        assert set(of) == set(row.targets)
        for target in row.targets:
            if of[target] is None:
                if target in step:
                    lacking.append(target)
                continue
            assert set(names_in(of[target])) <= set(step), target
            value, found = step[target], evaluate(of[target], step.__getitem__)
            assert np.shape(found) == value.shape, target
            np.testing.assert_allclose(found, value, rtol=2e-5, atol=1e-6, err_msg=target)
    assert lacking == []
