"""What measures and shows a finished run: `evaluate`, `predict`, `report` and the like."""
