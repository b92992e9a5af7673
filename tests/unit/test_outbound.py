"""What the server lets itself be sent to: the attack list of SSRF, and what stays possible."""

from __future__ import annotations

import pytest

from app.errors import InvalidArgument
from app.outbound import url
from app.outbound.reach import LOOPBACK, Reach, networks

EVERYTHING = networks("0.0.0.0/0, ::/0")


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_dialled(address: str) -> None:
    assert Reach().refusal(address, 443) == ""


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.9.10",
        "10.0.0.1",
        "100.64.0.1",
        "169.254.1.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::1",
        "2002:a00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:db8::1",
        "3fff::1",
        "100::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
    ],
)
def test_addresses_of_a_private_world_are_refused_unless_allowed(address: str) -> None:
    assert "not a public address" in Reach().refusal(address, 80)
    assert Reach(EVERYTHING).refusal(address, 80) == ""


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd20:ce::254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "0.0.0.0",
        "0.1.2.3",
        "::",
        "::ffff:0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "ff02::1",
        "not an address",
    ],
)
def test_metadata_services_and_addresses_of_no_machine_are_refused_whatever_is_allowed(address: str) -> None:
    assert Reach(EVERYTHING).refusal(address, 80) != ""


def test_an_allowed_range_opens_that_range_only() -> None:
    reach = Reach(networks("10.1.0.0/16"))

    assert reach.refusal("10.1.2.3", 80) == ""
    assert reach.refusal("::ffff:10.1.2.3", 80) == ""
    assert reach.refusal("10.2.0.1", 80) != ""
    assert reach.refusal("127.0.0.1", 80) != ""


def test_the_servers_own_ports_are_refused_though_loopback_is_allowed() -> None:
    reach = Reach(LOOPBACK, own_ports=(9123,))

    assert reach.refusal("127.0.0.1", 8000) == ""
    for own in ("127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1"):
        assert "this server itself" in reach.refusal(own, 9123)
    assert Reach(EVERYTHING, own_ports=(9123,)).refusal("10.0.0.1", 9123) == ""


@pytest.mark.parametrize(
    ("text", "host", "port", "authority", "target"),
    [
        ("https://example.com", "example.com", 443, "example.com", "/"),
        ("HTTP://Example.COM:8080/a/b?c=d", "example.com", 8080, "example.com:8080", "/a/b?c=d"),
        ("https://example.com:443?x", "example.com", 443, "example.com", "/?x"),
        ("http://[2606:4700::1111]:80/", "2606:4700::1111", 80, "[2606:4700::1111]", "/"),
        ("http://app_1.internal./%41", "app_1.internal", 80, "app_1.internal", "/%41"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443, "xn--bcher-kva.example", "/"),
        ("http://8.8.8.8:65535/x", "8.8.8.8", 65535, "8.8.8.8:65535", "/x"),
    ],
)
def test_a_url_is_taken_apart(text: str, host: str, port: int, authority: str, target: str) -> None:
    parsed = url.parse(text, field="endpoint_url")

    assert (parsed.host, parsed.port, parsed.authority, parsed.target) == (host, port, authority, target)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/relative",
        "example.com/x",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_INFO",
        "unix:/var/run/docker.sock",
        "http:///x",
        "http://",
        "http://good.example@127.0.0.1/",
        "http://user:secret@example.com/",
        "http://@example.com/",
        "http://example.com:0/",
        "http://example.com:/",
        "http://example.com:65536/",
        "http://example.com:8x/",
        "http://example.com/#fragment",
        "http://example.com/a b",
        "http://example.com/\r\nHost: evil",
        "http://exa\tmple.com/",
        "http://example.com\\@127.0.0.1/",
        "http://127\u30020\u30020\u30021/",
        "http://b\u00fccher.example/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0x7f000001/",
        "http://017700000001/",
        "http://0177.0.0.1/",
        "http://127.0.0.1.1/",
        "http://[fe80::1%25eth0]/",
        "http://[::1/",
        "http://[127.0.0.1]/",
        "http://-example.com/",
        "http://exam..ple.com/",
        "http://" + "a." * 130 + "com/",
        "http://example.com/" + "x" * 2_048,
    ],
)
def test_what_could_be_read_in_two_ways_is_no_url(text: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        url.parse(text, field="endpoint_url")

    assert refusal.value.field == "endpoint_url"
    assert refusal.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1/",
        "http://127.0.0.1./",
        "http://localhost:8000/x",
        "http://LOCALHOST/",
        "http://app.localhost/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::]/",
        "http://0.0.0.0/",
        "http://10.0.0.7:8080/",
        "http://169.254.169.254/latest/meta-data/",
        "http://100.100.100.200/",
        "http://metadata.google.internal/computeMetadata/v1/",
        "http://metadata.google.internal./",
        "http://[64:ff9b::7f00:1]/",
    ],
)
def test_a_url_that_visibly_leads_inside_is_refused_where_it_is_registered(text: str) -> None:
    with pytest.raises(InvalidArgument, match="endpoint_url"):
        url.check(text, Reach(), field="endpoint_url")


def test_a_name_is_judged_only_when_it_is_resolved() -> None:
    assert url.check("http://db.internal:5432/", Reach(), field="endpoint_url").address == ""
    assert url.check("http://localhost:8000/", Reach(LOOPBACK), field="endpoint_url").port == 8000
