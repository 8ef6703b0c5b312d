"""no_grad, enable_grad, detect_anomaly: what they change, and that they end."""

import asyncio
import math
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, aclosing
from random import Random

import pytest
from storms import counts, needs_a_timer, storm

from micrograd_nn import (
    MLP,
    TABLE,
    UNREACHED,
    Value,
    detect_anomaly,
    exp,
    grad,
    hessian,
    log,
    no_grad,
    sqrt,
    value_and_grad,
)
from micrograd_nn.engine import modes
from micrograd_nn.engine.modes import enable_grad
from micrograd_nn.engine.operation import Operation
from micrograd_nn.errors import AnomalyError, ArgumentTypeError


def records() -> bool:
    return bool((Value(1.0) + 1).operands)


@pytest.fixture(autouse=True)
def _every_block_ends() -> Iterator[None]:
    yield
    assert records()
    assert modes.now() == (True, False, None)


def test_no_grad_computes_and_records_nothing() -> None:
    net = MLP(2, [3, 1], activation="tanh", seed=0)
    recorded = net([1.0, -2.0])
    with no_grad():
        plain = net([1.0, -2.0])
        with enable_grad():
            assert (Value(1.0) + 1).operands
    assert plain.data == recorded.data
    assert recorded.operands
    assert not plain.operands


def test_as_a_decorator() -> None:
    @no_grad()
    def double(v: Value) -> Value:
        """Twice v."""
        return v * 2

    assert double(Value(1.0)).operands == ()
    assert double.__doc__ == "Twice v."
    assert (Value(1.0) * 2).operands


def test_a_decorated_generator_is_refused_because_it_would_run_outside() -> None:
    def rows() -> Iterator[Value]:
        yield Value(1.0) * 2

    async def later() -> Value:
        return Value(1.0) * 2

    async def later_rows() -> AsyncIterator[Value]:
        yield Value(1.0) * 2

    for function in (rows, later, later_rows):
        with pytest.raises(
            ArgumentTypeError, match=rf"no_grad as a decorator .* {function.__name__} .*with no_grad\(\):"
        ):
            no_grad()(function)


def test_a_mode_ends_with_an_error() -> None:
    with pytest.raises(ZeroDivisionError), no_grad(), detect_anomaly():
        _ = 1 // 0
    assert (Value(1.0) + 1).operands


def test_one_instance_can_be_entered_again() -> None:
    mode = no_grad()
    with mode, mode:
        pass
    with mode:
        with mode:
            assert not records()
        assert not records()
    assert records()


def test_a_block_that_changes_nothing_costs_nothing() -> None:
    before = len(modes.open_locks)
    with enable_grad():
        assert len(modes.open_locks) == before
        with no_grad(), no_grad(), enable_grad():
            assert len(modes.open_locks) == before + 3
            assert records()
        assert records()
    assert len(modes.open_locks) == before


def test_a_mode_belongs_to_its_thread() -> None:
    seen = []

    def work() -> None:
        seen.append(bool((Value(1.0) + 1).operands))

    with no_grad():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert seen == [True]


def test_a_mode_belongs_to_its_task() -> None:
    async def quiet(start: asyncio.Event, stop: asyncio.Event) -> bool:
        with no_grad():
            start.set()
            await stop.wait()
            return bool((Value(1.0) + 1).operands)

    async def loud(start: asyncio.Event, stop: asyncio.Event) -> bool:
        await start.wait()
        operands = (Value(1.0) + 1).operands
        stop.set()
        return bool(operands)

    async def both() -> list[bool]:
        start, stop = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(quiet(start, stop), loud(start, stop))

    assert asyncio.run(both()) == [False, True]


# ---- however a block ends ----


def test_a_stack_of_contexts_enters_and_leaves() -> None:
    with ExitStack() as stack:
        stack.enter_context(no_grad())
        assert not records()
        stack.enter_context(enable_grad())
        assert records()
    assert records()
    mode = no_grad()
    with ExitStack() as stack:
        mode.__enter__()
        stack.push(mode)
        assert not records()
    assert records()


def test_entered_and_left_by_hand() -> None:
    mode = no_grad()
    mode.__enter__()
    with mode, enable_grad():
        assert records()
    assert not records()
    mode.__enter__()
    mode.__exit__(None, None, None)
    assert not records()
    mode.__exit__(None, None, None)


def quiet() -> Iterator[bool]:
    with no_grad():
        yield records()


def test_a_generator_that_is_closed_in_another_thread() -> None:
    rows = quiet()
    assert not next(rows)
    thread = threading.Thread(target=rows.close)  # type: ignore[attr-defined]  # a generator has it
    thread.start()
    thread.join()
    assert records()


def test_generators_that_end_in_any_order() -> None:
    first, second = quiet(), quiet()
    next(first)
    next(second)
    del first
    assert not records(), "the second is still open"
    del second
    assert records()


def test_a_loop_over_rows_that_is_left_by_break() -> None:
    async def rows() -> AsyncIterator[bool]:
        with no_grad():
            yield records()
            yield records()

    async def left() -> list[bool]:
        found = []
        async for recorded in rows():
            found.append(recorded)
            break
        for _ in range(5):  # the event loop closes what was left, in a task of its own
            await asyncio.sleep(0)
        found.append(records())
        async with aclosing(rows()) as closed:  # type: ignore[type-var]  # a generator has aclose
            async for recorded in closed:
                found.append(recorded)
                break
        return [*found, records()]

    assert asyncio.run(left()) == [False, True, False, True]


def test_an_instance_that_threads_share() -> None:
    mode = no_grad()

    def work(seed: int) -> bool:
        draw, right = Random(seed), True
        for _ in range(300):
            with mode:
                right = right and not records()
                if draw.random() < 0.3:
                    with mode, enable_grad():
                        right = right and records()
            with ExitStack() as stack:
                stack.enter_context(mode)
                right = right and not records()
            right = right and records()
        return right

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


def test_a_task_that_outlives_the_block_it_was_made_in() -> None:
    async def later(block: asyncio.Event) -> list[bool]:
        inside = records()
        await block.wait()
        return [inside, records()]

    async def both() -> list[bool]:
        over = asyncio.Event()
        with no_grad():
            task = asyncio.create_task(later(over))
            await asyncio.sleep(0)
        over.set()
        return await task

    assert asyncio.run(both()) == [False, True]


def nested() -> None:
    with no_grad(), enable_grad(), detect_anomaly():
        pass


def with_an_error() -> None:
    try:
        with no_grad():
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass


@no_grad()
def decorated() -> None:
    records()


def derived() -> None:
    x = Value(2.0)
    grad(x * x, [x], create_graph=True)


@needs_a_timer
@counts
@pytest.mark.parametrize("work", [nested, with_an_error, decorated, lambda: list(quiet()), derived])
def test_row_41_no_signal_leaves_a_mode_behind(work: Callable[[], object], count: int) -> None:
    assert storm(work, lambda: not records() or modes.now() != (True, False, None), count) == 0


@needs_a_timer
@counts
def test_row_41_no_signal_ends_a_block_that_goes_on(count: int) -> None:
    with no_grad():
        assert storm(nested, records, count) == 0
        with enable_grad():
            assert storm(lambda: list(quiet()), lambda: not records(), count) == 0


def test_derivatives_record_for_themselves() -> None:
    x = Value(2.0)
    y = x**3
    with no_grad():
        assert hessian(y, [x]) == [[12.0]]
        (slope,) = grad(y, [x], create_graph=True)
        assert slope.operands
        assert value_and_grad(lambda a: a * a)(3.0) == (9.0, [6.0])


# ---- detect_anomaly ----

OVERFLOWS = {"exp": (1000.0,), "mul": (1e200, 1e200), "add": (1.7e308, 1.7e308), "pow": (10.0, 400.0)}
OUTSIDE = {"log": (-1.0,), "sqrt": (-2.0,), "div": (1.0, 0.0), "pow": (-2.0, 0.5)}


@pytest.mark.parametrize(("name", "operands"), [*OVERFLOWS.items(), *OUTSIDE.items()])
def test_forward_names_operation_operands_and_label(name: str, operands: tuple[float, ...]) -> None:
    row: Operation = TABLE[name]
    values = [Value(number, f"name{i}") for i, number in enumerate(operands)]
    quiet = row(*values)
    assert not math.isfinite(quiet.data), "IEEE's value, without an error, outside the block"
    with detect_anomaly(), pytest.raises(AnomalyError) as caught:
        row(*values)
    text = str(caught.value)
    assert text.startswith(f"{name} made {quiet.data} of ")
    for value in values:
        assert f"{value.label} = {value.data}" in text
    why = "too large for a float" if name in OVERFLOWS and operands == OVERFLOWS[name] else row.domain.text
    assert why in text
    assert isinstance(caught.value, FloatingPointError)


def test_what_was_broken_before_is_not_blamed_on_the_next() -> None:
    broken = Value(math.nan)
    with detect_anomaly():
        assert math.isnan((broken + 1).data)


def test_backward_names_the_step_and_changes_nothing() -> None:
    x = Value(0.0, "x")
    y = sqrt(x)
    y.label = "root"
    loss = y * 3
    with detect_anomaly(), pytest.raises(AnomalyError) as caught:
        loss.backward()
    assert str(caught.value) == (
        "backward through sqrt: the slope towards x = 0.0 is inf, and times the adjoint 3.0 of root that makes inf"
    )
    assert x.grad is y.grad is loss.grad is UNREACHED
    loss.backward()
    assert x.grad == math.inf


def test_backward_names_the_first_of_several_broken_steps() -> None:
    """The slope of log at the smallest float is inf, and all that the sweep computes below it is inf or nan."""
    x = Value(-745.0, "x")
    loss = log(exp(x) * 1e-300 + 0.0 * x + 5e-324) * 3.0
    with detect_anomaly(), pytest.raises(AnomalyError, match=r"through log: the slope towards .* = 5e-324 is inf"):
        loss.backward()


def test_backward_finds_a_sum_that_overflows() -> None:
    x = Value(1.0, "x")
    loss = x * 1e308 + x * 1e308 * 0.9
    with detect_anomaly(), pytest.raises(AnomalyError, match=r"contributions to the gradient of x = 1.0 add up to inf"):
        loss.backward()
    assert x.grad is UNREACHED


def test_nothing_to_find_is_nothing_said() -> None:
    net = MLP(2, [3, 1], seed=0)
    with detect_anomaly():
        loss = net([1.0, 2.0]) ** 2
        loss.backward()
        assert all(math.isfinite(p.grad) for p in net.parameters())
