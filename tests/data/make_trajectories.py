"""Writes trajectories.json beside it: where PyTorch's optimisers go in 100 steps on a small problem.

Run once, with PyTorch 2.13.0 (CPU, float64); the tests read the file and need no PyTorch.
"""

import json
from pathlib import Path

import torch

START = [-1.2, 1.0, 0.5]
KEPT = [1, 2, 3, 4, *range(5, 101, 5)]
CASES = {
    "SGD": [
        {"lr": 0.01},
        {"lr": 0.01, "momentum": 0.9},
        {"lr": 0.01, "momentum": 0.9, "nesterov": True},
        {"lr": 0.01, "momentum": 0.8, "dampening": 0.3},
        {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.1},
        {"lr": 0.01, "weight_decay": 0.5},
        {"lr": 0.01, "momentum": 0.5, "weight_decay": 0.1, "nesterov": True},
    ],
    "Adam": [{}, {"lr": 0.1}, {"lr": 0.05, "betas": [0.8, 0.9], "eps": 1e-3}, {"lr": 0.05, "weight_decay": 0.2}],
    "AdamW": [{}, {"lr": 0.1}, {"lr": 0.05, "betas": [0.5, 0.99], "weight_decay": 0.3}],
    "RMSprop": [
        {},
        {"lr": 0.02, "alpha": 0.9, "eps": 1e-4},
        {"lr": 0.01, "momentum": 0.9},
        {"lr": 0.01, "centered": True, "weight_decay": 0.1},
        {"lr": 0.005, "centered": True, "momentum": 0.5},
    ],
}


def problem(a, b, c):
    return (1.0 - a) ** 2 + 2.0 * (b - a * a) ** 2 + 0.5 * (c + b) ** 2


def climb(a, b, c):
    return -problem(a, b, c)


def trajectory(kind, options, function):
    p = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimizer = getattr(torch.optim, kind)([p], **options)
    rows = []
    for step in range(1, 101):
        optimizer.zero_grad()
        function(*p).backward()
        optimizer.step()
        if step in KEPT:
            rows.append(p.tolist())
    return rows


def schedules():
    made = {
        "StepLR": {"step_size": 3, "gamma": 0.5},
        "ExponentialLR": {"gamma": 0.9},
        "CosineAnnealingLR": {"T_max": 12, "eta_min": 0.01},
    }
    rows = []
    for kind, options in made.items():
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
        schedule = getattr(torch.optim.lr_scheduler, kind)(optimizer, **options)
        rates = []
        for _ in range(12):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        rows.append({"kind": kind, "options": options, "rates": rates})
    return rows


def main():
    cases = [
        {"kind": kind, "options": options, "climb": up, "rows": trajectory(kind, {**options, "maximize": up}, function)}
        for kind, given in CASES.items()
        for options in given
        for up, function in ((False, problem), (True, climb))
        if not up or options is given[-1]
    ]
    made = {
        "made_with": f"PyTorch {torch.__version__}, float64, by make_trajectories.py",
        "problem": "(1 - a)^2 + 2 (b - a^2)^2 + 0.5 (c + b)^2",
        "start": START,
        "kept_steps": KEPT,
        "cases": cases,
        "schedules": schedules(),
    }
    text = json.dumps(made).replace('{"kind"', '\n{"kind"')
    Path(__file__).with_name("trajectories.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
