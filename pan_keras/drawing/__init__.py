"""Pictures from arrays: palettes, heat maps, figures and panels."""
