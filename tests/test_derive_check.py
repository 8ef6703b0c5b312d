"""The hand check: right derivations are right in any form, wrong ones are wrong, and the slip is the one that was made."""

from collections import Counter
from math import isclose
from random import Random

import pytest
from wrong_derivations import NETWORKS, right_forms, wrong_forms

from micrograd_nn.derive import check_partials
from micrograd_nn.formula import formula

SEEDS = range(1)


def cases():
    for name, make in NETWORKS.items():
        for seed in SEEDS:
            yield name, *make(Random(f"{name} {seed}"))


def test_every_right_form_is_called_right():
    count = 0
    for name, loss, derivations, _ in cases():
        for label, paths in derivations.items():
            for form in right_forms(paths):
                report = check_partials(loss, {label: form})
                assert report.ok, (name, label, form, str(report))
                count += 1
    assert count > 350


def test_every_right_number_is_called_right_to_the_digits_given():
    for name, loss, derivations, _ in cases():
        for label, paths in derivations.items():
            number = formula(next(right_forms(paths)), loss).data
            for digits in (2, 4, 9, 17):
                shown = float(f"{number:.{digits}g}")
                if shown != int(shown):
                    assert check_partials(loss, {label: shown}).ok, (name, label, shown)
            assert not number or not check_partials(loss, {label: number * 1.001}).ok


def test_wrong_derivations_are_wrong_and_their_slips_are_named(capsys):
    named, total, per_slip, misnamed = 0, 0, Counter(), []
    for name, loss, derivations, n in cases():
        for label, paths in derivations.items():
            right = formula(next(right_forms(paths)), loss)
            for wrong in wrong_forms(paths, n):
                (finding,) = check_partials(loss, {label: wrong.text}).findings
                if finding.ok and same_everywhere(loss, wrong.text, paths):
                    continue  # a slip that changes nothing, such as relu's slope taken at its output
                assert not finding.ok, (name, label, wrong, right)
                total += 1
                per_slip[wrong.slip] += 1
                if (finding.slip, finding.factor) == (wrong.slip, wrong.factor):
                    named += 1
                else:
                    misnamed.append(f"{name}, ∂L/∂{label}: {reason(wrong, finding)}")
    with capsys.disabled():
        print(f"\n{named} of {total} wrong derivations named; misnamed: {len(misnamed)}")
        print("\n".join(f"  {count} × {line}" for line, count in Counter(misnamed).items()))
    assert total >= 500
    assert named / total >= 0.95
    assert len(per_slip) >= 14


def reason(wrong, finding):
    made = f"{wrong.slip.value} in ∂{wrong.factor[0]}/∂{wrong.factor[1]}"
    if finding.slip is None:
        return f"{made} was not named"
    same = (wrong.slip, wrong.factor) in finding.others
    why = "the numbers are the same everywhere" if same else "not among the explanations"
    return f"{made} was named {finding.slip.value} in ∂{finding.factor[0]}/∂{finding.factor[1]}: {why}"


def same_everywhere(loss, text, paths):
    return all(
        isclose(formula(text, at).data, formula(next(right_forms(paths)), at).data, rel_tol=1e-9, abs_tol=1e-12)
        for at in ({name: Random(f"{name}{k}").uniform(-1, 1) for name in _names(loss)} for k in range(5))
    )


def _names(loss):
    from micrograd_nn.formula import labelled

    return labelled(loss)
