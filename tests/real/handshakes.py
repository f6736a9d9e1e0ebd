"""What a port serves right now, by a handshake of its own; OpenSSL's word, not estui's."""

from __future__ import annotations

import socket
import ssl

from cryptography import x509


def served(port: int) -> x509.Certificate:
    """The leaf that a fresh handshake shows.

    A client without a certificate sees it too, on a port that demands one: TLS 1.3 completes on the client's side
    before the server judges the client.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 5) as plain, context.wrap_socket(plain) as stream:
        content = stream.getpeercert(binary_form=True)
    assert content is not None
    return x509.load_der_x509_certificate(content)


def serial(port: int) -> int:
    return served(port).serial_number
