"""What dmtui's speed is measured by: one module a figure, all in one table."""
