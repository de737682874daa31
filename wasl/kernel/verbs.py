"""The verb: one act, one transaction, one permission key."""

from collections.abc import Callable, Mapping
from functools import wraps
from importlib import import_module
from typing import ParamSpec, TypeVar

from django.db import transaction

from wasl.kernel.access import Actor, acting
from wasl.kernel.errors import NotAllowed

P = ParamSpec("P")
T = TypeVar("T")

verbs: dict[str, Callable[..., object]] = {}


def allowed(key: str, actor: Actor) -> bool:
    """Whether the actor's roles may do the verb `module.verb_name` at all; where and when is for its rules."""
    module, name = key.split(".")
    can: Mapping[str, frozenset[str]] = import_module(f"wasl.{module}.rules").CAN
    return bool(can[name] & actor.roles)


def verb(act: Callable[P, T]) -> Callable[P, T]:
    """Make a function a verb: it takes `by=`, is checked against its module's CAN, and is one transaction."""
    key = f"{act.__module__.split('.')[1]}.{act.__name__}"

    @wraps(act)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        by = kwargs.get("by")
        if not isinstance(by, Actor):
            raise TypeError(f"{key} needs by=, the actor")
        if not allowed(key, by):
            raise NotAllowed
        with acting(), transaction.atomic():
            return act(*args, **kwargs)

    verbs[key] = wrapped
    return wrapped
