"""What a comparison of networks found: rows, table, CSV."""

import csv
import io
import json
import math
import statistics
from dataclasses import dataclass
from typing import Any

# Two-sided 95 % quantiles of Student's t, by degrees of freedom from 1.
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
MOST_SEEDS = len(STUDENT) + 1


@dataclass(frozen=True)
class Variant:
    """A network of the comparison.

    Args:
        name: What the table calls it.
        model: Registry name.
        settings: `section.key=value` strings that take parts away or put them in.
    """

    name: str
    model: str
    settings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """What a variant came to.

    Attributes:
        variant: The network.
        accuracies: Top-1 on the test clips, one figure a seed, as fractions.
    """

    variant: Variant
    accuracies: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return statistics.fmean(self.accuracies)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the mean over seeds, by Student's t; of one seed it is 0 to 1."""
        seeds = len(self.accuracies)
        if seeds == 1:
            return 0.0, 1.0
        half = STUDENT[seeds - 2] * statistics.stdev(self.accuracies) / math.sqrt(seeds)
        return max(0.0, self.mean - half), min(1.0, self.mean + half)


@dataclass(frozen=True)
class Ablation:
    """A finished comparison.

    Attributes:
        data: Where the clips came from.
        rows: One a variant, in the order in which they were asked for.
    """

    data: str
    rows: tuple[Row, ...]

    def to_csv(self) -> str:
        """One row a variant: name, model, settings, mean, interval, every seed's accuracy."""
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["network", "model", "settings", "top1", "low", "high", "seeds"])
        for row in self.rows:
            low, high = row.interval
            figures = [f"{share:.4f}" for share in (row.mean, low, high)]
            seeds = " ".join(f"{share:.4f}" for share in row.accuracies)
            variant = row.variant
            settings = " ".join(variant.settings)
            writer.writerow([variant.name, variant.model, settings, *figures, seeds])
        return file.getvalue()

    def to_json(self) -> str:
        """One JSON object."""
        rows: list[dict[str, Any]] = [
            {
                "network": row.variant.name,
                "model": row.variant.model,
                "settings": row.variant.settings,
                "top1": row.mean,
                "interval": row.interval,
                "seeds": row.accuracies,
            }
            for row in self.rows
        ]
        return json.dumps({"data": self.data, "rows": rows})

    def to_markdown(self) -> str:
        """The table of a document."""
        lines = ["| Network | Top-1 | 95 % interval | Seeds |", "|---|---|---|---|"]
        for row in self.rows:
            low, high = row.interval
            lines.append(
                f"| {row.variant.name} | {row.mean:.3f} | {low:.3f} to {high:.3f} "
                f"| {', '.join(f'{share:.3f}' for share in row.accuracies)} |"
            )
        return "\n".join(lines) + "\n"
