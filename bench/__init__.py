"""What the project costs, measured against doing the same by hand."""
