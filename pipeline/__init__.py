"""Library fines to the bursar and payments back, to the cent."""

__version__ = "0.1.0"
