"""What keeps instances alive or ends them, beside their own words."""
