"""The goals that concern images, and whether this run met them: one table of what the scripts before it measured.

The goals are those of the design (performance, 4); every other number was measured in this run. A figure that was
measured at another size than its goal speaks of is shown, and judged nothing.
"""

from dataclasses import dataclass

from bench.figures import Figure, noted


@dataclass(frozen=True)
class Goal:
    """A goal: what is measured, at which size, beside whom, and the least (or, `most`, the most) that it may be."""

    work: str
    figure: str
    size: int
    limit: float
    beside: str = ""  # a ratio to the faster of those; without it the figure itself
    most: bool = False
    unit: str = "/s"

    @property
    def said(self) -> str:
        """The goal in a few signs."""
        sign = "≤" if self.most else "≥"
        return f"{sign} {self.limit:g} × {self.beside}" if self.beside else f"{sign} {self.limit:g} {self.unit}"

    def met(self, value: float) -> bool:
        """Whether a value keeps it."""
        return value <= self.limit if self.most else value >= self.limit


GOALS = (
    Goal("C-STORE CT, 1 association", "C-STORE 1", 300, 3, "Orthanc"),
    Goal("C-STORE CT, 4 associations", "C-STORE 4", 300, 2.2, "Orthanc"),
    Goal("C-STORE, acknowledged and lost", "C-STORE lost", 300, 0, most=True, unit="images"),
    Goal("STOW-RS CT, 1 client", "STOW-RS 1", 300, 2.3, "Orthanc"),
    Goal("STOW-RS CT, 4 clients", "STOW-RS 4", 300, 2.3, "Orthanc"),
    Goal("WADO-RS frame, 16 clients", "frame", 300, 15, "Orthanc"),
    Goal("WADO-RS frame, 16 clients", "frame", 300, 0.7, "nginx"),
    Goal("series metadata", "series metadata", 300, 40, "Orthanc"),
    Goal("QIDO at 10,000 studies, by patient", "QIDO by patient", 10_000, 10, "Orthanc"),
    Goal("QIDO at 10,000 studies, page by date", "QIDO page by date", 10_000, 10, "Orthanc"),
    Goal("QIDO at 1 M studies, slowest kind, p95", "QIDO p95", 1_000_000, 150, most=True, unit="ms"),
    Goal("first picture, radiograph at 4G", "first picture radiograph", 1, 0.7, most=True, unit="s"),
    Goal("first picture, CT at 1 Mbit/s", "first picture CT", 40, 5, most=True, unit="s"),
    Goal("bytes to it, radiograph", "first bytes radiograph", 1, 0.1, "as it was sent", most=True, unit=" kB"),
    Goal("bytes to it, CT", "first bytes CT", 40, 0.1, "as it was sent", most=True, unit=" kB"),
    Goal("earlier exams there in time", "priors in time", 300, 95, unit="%"),
    Goal("exams of 72 h without the line, in order", "downtime in order", 300, 60, most=True, unit="min"),
    Goal("acknowledged work lost with the machine", "standby lost", 1, 300, most=True, unit="s"),
    Goal("at work again after it", "standby back", 1, 30, most=True, unit="min"),
    Goal("next case taken, 20,000 waiting", "dispatch next case taken", 20_000, 2000, most=True, unit="ms"),
    Goal("memory of a process, C-STORE", "C-STORE memory", 5000, 400, most=True, unit="MB"),
    Goal("memory of a process, STOW-RS", "STOW-RS memory", 5000, 400, most=True, unit="MB"),
)
HEAD = ("work", "goal", "measured", "ratio", "met")


def row(goal: Goal, figure: Figure | None) -> tuple[str, ...]:
    """A line of the table."""
    if figure is None:
        return goal.work, goal.said, "not measured", "", ""
    measured = f"{figure.ours:.4g}{goal.unit if goal.beside else ' ' + goal.unit}"
    value, ratio = figure.ours, ""
    if goal.beside:
        theirs = figure.best(goal.beside)
        if not theirs:
            return goal.work, goal.said, measured, "nothing beside it", ""
        value = figure.ours / theirs
        ratio = f"{value:.3g}"
        among = (f"{name} {other:.4g}" for name, other in figure.others.items() if name.startswith(goal.beside))
        measured += f" ({', '.join(among)})"
    if figure.size != goal.size:
        return goal.work, goal.said, measured, ratio, f"not at this size ({figure.size:,}, not {goal.size:,})"
    return goal.work, goal.said, measured, ratio, "yes" if goal.met(value) else "NO"


def main() -> None:
    """Print the table."""
    figures = {figure.name: figure for figure in noted()}
    rows = [HEAD, *(row(goal, figures.get(goal.figure)) for goal in GOALS)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for line in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


if __name__ == "__main__":
    main()
