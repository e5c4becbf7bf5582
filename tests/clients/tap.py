"""A listener on the way to the provider that keeps what clients say, byte by byte."""

import re
import socket
import threading


class Tap:
    """Passes every connection on to `provider`, both ways, and remembers one of them."""

    def __init__(self, provider):
        self.provider = re.match(r"http://(.*):(\d+)", provider).groups()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.connections = []
        threading.Thread(target=self._accept, daemon=True).start()

    def requests(self):
        """All requests since the last call, each as its line, its headers and its body."""
        requests = []
        for said in self.connections:
            requests += parsed(bytes(said))
            said.clear()  # The connection may be kept for more.
        return requests

    def _accept(self):
        while True:
            client, _ = self.listener.accept()
            provider = socket.create_connection(self.provider)
            said = bytearray()
            self.connections.append(said)
            threading.Thread(target=pump, args=(client, provider, said.extend), daemon=True).start()
            threading.Thread(target=pump, args=(provider, client, lambda _: None), daemon=True).start()


def pump(source, sink, keep):
    """Passes on what comes until there is no more, and then says so."""
    try:
        while piece := source.recv(65536):
            keep(piece)
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        sink.close()


def parsed(said):
    """The requests that a client said on one connection. A body has a length: no client here sends chunks."""
    while said:
        head, _, rest = said.partition(b"\r\n\r\n")
        line, *fields = head.decode("latin-1").split("\r\n")
        headers = [tuple(field.split(": ", 1)) for field in fields]
        lengths = [int(value) for name, value in headers if name.lower() == "content-length"]
        assert not any(name.lower() == "transfer-encoding" for name, _ in headers), line
        length = sum(lengths)
        yield line, headers, rest[:length]
        said = rest[length:]
