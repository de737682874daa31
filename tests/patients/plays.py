"""Plays of state machines, of which nothing stays in the database."""

from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test


def play(machine: type[RuleBasedStateMachine], *, examples: int, steps: int) -> None:
    """Play a machine so many times in so many steps, always the same, each in a transaction that is rolled back."""

    class Played(machine):  # type: ignore[valid-type,misc]  # a class that is handed over
        """One play, of which nothing stays."""

        def __init__(self) -> None:
            super().__init__()
            self.block = transaction.atomic()
            self.block.__enter__()

        def teardown(self) -> None:
            """Forget it."""
            transaction.set_rollback(True)
            self.block.__exit__(None, None, None)

    how = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(Played, settings=how)
