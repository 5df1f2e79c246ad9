from __future__ import annotations

import datetime
import ipaddress
import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.abc import ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dmtui.core.errors import (
    DmtuiError,
    Forbidden,
    InvalidUserId,
    NotMatrix,
    RateLimited,
    Refused,
    ServerTrouble,
    Unreachable,
)
from dmtui.demo.synapse import free_port
from dmtui.matrix.address import Address, is_inner, read_address
from dmtui.matrix.discovery import Discovery
from dmtui.matrix.homeserver import connect
from dmtui.matrix.sign_in import sign_in_with_password
from tests.homeserver.faultproxy import BAD_GATEWAY_PAGE, RATE_LIMITED, FaultProxy
from tests.homeserver.synapse import PASSWORD, SynapseServer

VERSIONS = "/_matrix/client/versions"
WELL_KNOWN = "/.well-known/matrix/client"
Page = tuple[int, dict[str, str], bytes]
MATRIX_PAGE: Page = (200, {}, json.dumps({"versions": ["v1.11"]}).encode())


# -- signing in -------------------------------------------------------------------------------


@pytest.mark.parametrize("whole", [True, False], ids=["user ID", "localpart"])
async def test_password_opens_a_session_that_works(
    whole: bool, synapse: SynapseServer, tmp_path: Path
) -> None:
    alice = synapse.register()
    typed = alice.user_id if whole else alice.localpart
    session = await sign_in_with_password(f" {typed} ", PASSWORD, f"{synapse.base_url}/")
    assert session.user_id == alice.user_id
    assert session.homeserver == synapse.base_url
    assert session.access_token not in repr(session)
    names = {
        one["device_id"]: one["display_name"] for one in alice.api("GET", "v3/devices")["devices"]
    }
    assert names[session.device_id] == "dmtui"
    homeserver = await connect(session, tmp_path / "keys")
    assert await homeserver.account_data("m.direct") is None
    await homeserver.close()


@pytest.mark.parametrize("user", ["{known}", "nobody-at-all"])
async def test_wrong_password_and_unknown_user_read_the_same(
    user: str, synapse: SynapseServer
) -> None:
    typed = user.format(known=synapse.register().localpart)
    with pytest.raises(Forbidden) as caught:
        await sign_in_with_password(typed, "wrong", synapse.base_url)
    assert str(caught.value) == "Wrong user name or password."


@pytest.mark.parametrize(
    ("fault", "expected", "line"),
    [
        (
            {"path": "/login", "method": "GET", "status": 200, "body": {"flows": []}},
            Refused,
            "This homeserver does not offer to sign in with a password.",
        ),
        (
            {"path": "/login", "method": "POST", "status": 429, "body": RATE_LIMITED},
            RateLimited,
            "The homeserver asks to slow down.",
        ),
        (
            {
                "path": "/login",
                "method": "POST",
                "status": 403,
                "body": {"errcode": "M_USER_DEACTIVATED", "error": "gone"},
            },
            Forbidden,
            "This account was deactivated.",
        ),
        (
            {"path": "/login", "method": "POST", "status": 200, "body": {"user_id": "@a:b"}},
            ServerTrouble,
            "The homeserver's answer to the sign-in can't be read.",
        ),
        (
            {"path": "versions", "status": 502, "body": BAD_GATEWAY_PAGE},
            ServerTrouble,
            "The homeserver is in trouble (HTTP 502).",
        ),
        (
            {"path": "versions", "status": 404, "body": "<html>"},
            NotMatrix,
            "{host} is no Matrix homeserver.",
        ),
        (
            {"path": "versions", "status": 200, "body": "<html>"},
            NotMatrix,
            "{host} is no Matrix homeserver.",
        ),
        (
            {"path": "versions", "status": 200, "body": {"versions": "v1"}},
            NotMatrix,
            "{host} is no Matrix homeserver.",
        ),
        (
            {"path": "versions", "status": 302, "headers": {"Location": "http://127.0.0.1/"}},
            NotMatrix,
            "{host} is no Matrix homeserver.",
        ),
        ({"path": "versions", "hang": True}, Unreachable, "{host} did not answer in time."),
        ({"path": "versions", "reset": "before"}, Unreachable, "{host} broke off the connection."),
    ],
    ids=[
        "no password flow",
        "slow down",
        "deactivated",
        "odd answer",
        "502",
        "404 page",
        "200 page",
        "odd versions",
        "redirect",
        "silence",
        "reset",
    ],
)
async def test_each_trouble_is_one_clear_line(
    fault: dict[str, Any],
    expected: type[DmtuiError],
    line: str,
    proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dmtui.matrix.discovery.PATIENCE", 0.5)
    proxy.add(**fault)
    with pytest.raises(expected) as caught:
        await sign_in_with_password("alice", PASSWORD, proxy.base_url)
    assert type(caught.value) is expected
    assert str(caught.value) == line.format(host=proxy.base_url.removeprefix("http://"))


async def test_refused_connection_and_unknown_name_are_told_apart() -> None:
    port = free_port()
    with pytest.raises(Unreachable, match=f"^127.0.0.1:{port} can't be reached"):
        await sign_in_with_password("alice", PASSWORD, f"http://127.0.0.1:{port}")
    with pytest.raises(Unreachable, match="was not found"):
        await sign_in_with_password(f"@alice:{'x' * 64}.example", PASSWORD, "")


async def test_server_that_speaks_something_else_is_no_matrix() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(NotMatrix):
            await sign_in_with_password("alice", PASSWORD, f"http://127.0.0.1:{port}")
        thread.join()


@pytest.mark.parametrize(
    ("user", "homeserver"),
    [
        ("alice", ""),
        ("", ""),
        ("", "{proxy}"),
        ("a lice", "{proxy}"),
        ("a\x1blice", "{proxy}"),
        ("@alice", "{proxy}"),
        ("alice:localhost", "{proxy}"),
        ("@:localhost", "{proxy}"),
    ],
)
async def test_malformed_user_id_is_refused_before_any_request(
    user: str, homeserver: str, proxy: FaultProxy
) -> None:
    with pytest.raises(InvalidUserId) as caught:
        await sign_in_with_password(user, PASSWORD, homeserver.format(proxy=proxy.base_url))
    assert str(caught.value).isprintable()
    assert proxy.log == []


@pytest.mark.parametrize(
    "typed",
    [
        "ftp://example.org",
        "https://user:secret@example.org",
        "https://",
        "https://example.org:0x",
        "https://example.org/?a=b",
        "exam ple.org",
        "[::1",
    ],
)
async def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(NotMatrix):
        await sign_in_with_password("alice", PASSWORD, typed)


def test_import_for_the_screen_loads_neither_nio_nor_aiohttp() -> None:
    script = (
        "import sys, dmtui.matrix.sign_in, dmtui.matrix.homeserver;"
        "print([name for name in ('nio', 'aiohttp', 'vodozemac') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


# -- discovery --------------------------------------------------------------------------------


class Site:
    """A web server over TLS on 127.0.0.1 that knows some pages, and what it was asked for."""

    def __init__(self, context: ssl.SSLContext):
        self.pages: dict[str, Page] = {}
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                status, headers, body = site.pages.get(self.path, (404, {}, b"<html>"))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_request(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def name(self, base_url: str) -> None:
        """Serve a ``.well-known`` that names this homeserver."""
        document = {"m.homeserver": {"base_url": base_url}}
        self.pages[WELL_KNOWN] = (200, {}, json.dumps(document).encode())

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [
        x509.DNSName("localhost"),
        x509.DNSName("matrix.example"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def new_site(certificate: Path) -> Iterator[Callable[[], Site]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    sites: list[Site] = []

    def make() -> Site:
        sites.append(Site(context))
        return sites[-1]

    yield make
    for site in sites:
        site.close()


@pytest.fixture
def site(new_site: Callable[[], Site]) -> Site:
    return new_site()


@pytest.fixture
async def discover(certificate: Path) -> AsyncIterator[Callable[[Address], Discovery]]:
    trust = ssl.create_default_context(cafile=str(certificate))
    opened: list[Discovery] = []

    def make(address: Address) -> Discovery:
        opened.append(Discovery(address, trust))
        return opened[-1]

    yield make
    for discovery in opened:
        await discovery.close()


def by_name(site: Site) -> Address:
    """As if the server's name alone had been typed, and were a public one."""
    return Address(site.url, url=True, exact=False, trusted=False)


Discover = Callable[[Address], Discovery]


async def test_well_known_leads_to_the_homeserver_it_names(
    new_site: Callable[[], Site], discover: Discover
) -> None:
    front, back = new_site(), new_site()
    front.name(f"{back.url}/")
    back.pages[VERSIONS] = MATRIX_PAGE
    assert await discover(read_address("alice", front.url)).base_url() == back.url
    assert front.asked == [WELL_KNOWN]


async def test_without_well_known_the_server_itself_is_the_homeserver(
    site: Site, discover: Discover
) -> None:
    site.pages[VERSIONS] = MATRIX_PAGE
    assert await discover(by_name(site)).base_url() == site.url


@pytest.mark.parametrize(
    "page",
    [
        (200, {}, b"<html>"),
        (200, {}, b"[]"),
        (200, {}, b"{}"),
        (200, {}, b'{"m.homeserver": {"base_url": 5}}'),
        (500, {}, b"{}"),
        (200, {}, b'{"m.homeserver": {"base_url": "' + b"x" * 70_000 + b'"}}'),
    ],
)
async def test_unusable_well_known_asks_for_the_address_and_a_typed_one_is_taken(
    page: Page, site: Site, discover: Discover
) -> None:
    site.pages |= {WELL_KNOWN: page, VERSIONS: MATRIX_PAGE}
    with pytest.raises((NotMatrix, ServerTrouble)):
        await discover(by_name(site)).base_url()
    assert VERSIONS not in site.asked
    assert await discover(read_address("alice", site.url)).base_url() == site.url


@pytest.mark.parametrize(
    "named",
    [
        "http://matrix.example",
        "https://169.254.169.254",
        "https://localhost:8448",
        "https://[::1]",
        "https://[::ffff:10.0.0.1]",
        "https://10.0.0.1",
        "https://me:secret@matrix.example",
        "file:///etc/passwd",
    ],
)
async def test_well_known_leads_neither_to_plain_http_nor_into_the_inner_network(
    named: str, site: Site, discover: Discover
) -> None:
    site.name(named)
    with pytest.raises(NotMatrix):
        await discover(by_name(site)).base_url()
    assert site.asked == [WELL_KNOWN]


async def test_public_name_with_an_inner_address_is_not_asked(
    new_site: Callable[[], Site], discover: Discover, monkeypatch: pytest.MonkeyPatch
) -> None:
    front, back = new_site(), new_site()
    front.name(f"https://matrix.example:{back.port}")
    back.pages[VERSIONS] = MATRIX_PAGE

    async def resolve(self: object, host: str, port: int, family: object) -> list[ResolveResult]:
        inner = ResolveResult(
            hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0
        )
        return [inner]

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", resolve)
    with pytest.raises(Unreachable):
        await discover(by_name(front)).base_url()
    assert back.asked == []
    typed = Address(front.url, url=True, exact=False, trusted=True)
    assert await discover(typed).base_url() == f"https://matrix.example:{back.port}"


async def test_redirects_are_followed_five_times_at_most(site: Site, discover: Discover) -> None:
    site.pages[VERSIONS] = MATRIX_PAGE
    site.pages[WELL_KNOWN] = (302, {"Location": "/1"}, b"")
    for number in range(1, 5):
        site.pages[f"/{number}"] = (307, {"Location": f"/{number + 1}"}, b"")
    site.pages["/5"] = (200, {}, json.dumps({"m.homeserver": {"base_url": site.url}}).encode())
    assert await discover(by_name(site)).base_url() == site.url
    site.pages["/5"] = (302, {"Location": WELL_KNOWN}, b"")
    site.asked.clear()
    with pytest.raises(NotMatrix):
        await discover(by_name(site)).base_url()
    assert len(site.asked) == 6


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1/", "https://localhost/", "https://10.1.2.3/", "file:///etc/passwd"]
)
async def test_redirect_out_of_bounds_is_not_followed(
    target: str, site: Site, discover: Discover
) -> None:
    site.pages[WELL_KNOWN] = (302, {"Location": target}, b"")
    with pytest.raises(NotMatrix):
        await discover(by_name(site)).base_url()
    assert site.asked == [WELL_KNOWN]


async def test_certificate_that_is_not_trusted_is_refused(site: Site) -> None:
    site.pages[VERSIONS] = MATRIX_PAGE
    with pytest.raises(Unreachable, match="certificate"):
        await sign_in_with_password("alice", PASSWORD, site.url)
    assert site.asked == []


@pytest.mark.parametrize(
    ("host", "inner"),
    [
        ("localhost", True),
        ("a.localhost.", True),
        ("127.8.9.1", True),
        ("192.168.1.5", True),
        ("fe80::1%eth0", True),
        ("::ffff:127.0.0.1", True),
        ("100.64.0.1", True),
        ("0.0.0.0", True),  # noqa: S104 - an address to refuse
        ("8.8.8.8", False),
        ("2606:4700::1111", False),
        ("example.org", False),
    ],
)
def test_inner_hosts_are_told_from_public_ones(host: str, inner: bool) -> None:
    assert is_inner(host) is inner


def test_port_of_a_server_name_does_not_matter_to_well_known() -> None:
    address = read_address("@alice:example.org:8448", "")
    assert address.well_known_url == "https://example.org"
    assert address.base_url == "https://example.org:8448"
    assert address.exact
    assert read_address("@alice:[2001:db8::1]:8448", "").well_known_url == "https://[2001:db8::1]"
