"""Pictures of the real app, drawn by ``make screenshots``."""
