"""What things are: frozen dataclasses without any input or output."""
