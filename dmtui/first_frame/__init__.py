"""The stored people on screen as plain escape codes, before Textual is imported."""
