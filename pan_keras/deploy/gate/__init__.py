"""What exported models are held against before they may be written."""
