"""Files of the stack and of PKI: bytes to values and back, pure."""
