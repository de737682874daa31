"""Who may do what, what is refused, and how figures come of counts."""

from wasl.planning.rules import evaluation

CAN = evaluation.CAN
