"""Pages and pictures for people: reports, explanations, overlays, ablation figures."""
