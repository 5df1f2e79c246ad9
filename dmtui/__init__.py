"""dmtui: your direct messages, in your terminal."""

__version__ = "0.1.0"
