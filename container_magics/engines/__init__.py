"""Engines behind one protocol (base), the contexts that name them, and which one answers here."""
