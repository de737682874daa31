"""A mail server and an SMS gateway of the tests' own, on real sockets, that keep what came and refuse when asked to."""

import contextlib
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer


@dataclass
class Mailbox:
    """What a mail server took, and what it says instead while `says` is set: to a recipient, or to a whole letter."""

    port: int = 0
    says: bytes = b""
    to: list[str] = field(default_factory=list)
    letters: list[EmailMessage] = field(default_factory=list)
    takes: threading.Event = field(default_factory=threading.Event)  # cleared: a letter is heard, and not answered


@contextlib.contextmanager
def mail_server() -> Iterator[Mailbox]:
    """A mail server that speaks as much SMTP (RFC 5321) as is asked of it here."""
    box = Mailbox()
    box.takes.set()

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 ready\r\n")
            for line in self.rfile:
                word = line[:4].upper().strip()
                if word == b"RCPT" and not box.says:
                    box.to.append(line.decode().split("<")[1].split(">")[0])
                if word == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    lines = iter(self.rfile.readline, b".\r\n")
                    letter = message_from_bytes(b"".join(lines), policy=policy.default)
                    box.letters.append(letter)
                    box.takes.wait(60)
                answer = {b"EHLO": b"250 tests", b"QUIT": b"221 bye", b"RCPT": box.says or b"250 ok"}
                self.wfile.write(answer.get(word, b"250 ok") + b"\r\n")
                if word == b"QUIT":
                    return

    with _served(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session)) as box.port:
        yield box


@dataclass
class Phone:
    """What an SMS gateway was asked, and what it answers."""

    url: str = ""
    status: int = 202
    asked: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@contextlib.contextmanager
def sms_gateway() -> Iterator[Phone]:
    """An SMS gateway by HTTP."""
    phone = Phone()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            phone.asked.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(phone.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    with _served(HTTPServer(("127.0.0.1", 0), Answer)) as port:
        phone.url = f"http://127.0.0.1:{port}/send"
        yield phone


@contextlib.contextmanager
def _served(server: socketserver.TCPServer) -> Iterator[int]:
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    serving.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        serving.join()
