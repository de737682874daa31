"""Who may count acts."""

CAN: dict[str, frozenset[str]] = {
    "count_act": frozenset({"system"}),
    "count_expertise": frozenset({"system"}),
    "count_opinion": frozenset({"system"}),
}
