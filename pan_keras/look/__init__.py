"""What pictures are made of: PA of any frames, evidence, confusions, figures. Needs no run."""
