"""Numbers from logits and labels: accuracy, intervals, confusion, paired tests; NumPy alone."""
