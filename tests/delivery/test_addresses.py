from ipaddress import ip_address

import pytest

from hitl.delivery.addresses import may_dial

PUBLIC = ["93.184.216.34", "8.8.8.8", "2606:4700:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8"]
PRIVATE = ["10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "127.0.0.1", "127.9.9.9", "::1", "fd00::1"]
MAPPED_PRIVATE = ["::ffff:10.0.0.1", "::ffff:127.0.0.1"]
NEVER = [
    "0.0.0.0",
    "0.1.2.3",
    "100.64.0.1",  # carrier NAT
    "100.127.255.255",
    "169.254.169.254",  # cloud metadata
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",  # 6to4 relay
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::7f00:1",  # IPv4-compatible 127.0.0.1
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",  # NAT64 of 127.0.0.1
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",  # Teredo
    "2001:db8::1",
    "2002:7f00:1::",  # 6to4 of 127.0.0.1
    "2002:808:808::1",
    "3fff::1",
    "fe80::1",
    "fe80::1%1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_dialled(address: str) -> None:
    assert may_dial(ip_address(address), allow_private=False)


@pytest.mark.parametrize("address", PRIVATE + MAPPED_PRIVATE)
def test_private_addresses_only_where_the_operator_allows_them(address: str) -> None:
    assert not may_dial(ip_address(address), allow_private=False)
    assert may_dial(ip_address(address), allow_private=True)


@pytest.mark.parametrize("address", NEVER)
def test_local_reserved_and_translated_addresses_never(address: str) -> None:
    assert not may_dial(ip_address(address), allow_private=False)
    assert not may_dial(ip_address(address), allow_private=True)
