"""Which addresses a webhook may reach. Own lists: `is_global` of Python 3.11 lets NAT64, 6to4 and multicast pass."""

import ipaddress
import socket

import httpx

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Inside the operator's own network: allowed where `HITL_WEBHOOK_ALLOW_PRIVATE` says so.
_PRIVATE = tuple(
    map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "::1/128", "fc00::/7"))
)
# Never: this host, link-local (cloud metadata), carrier NAT, multicast, reserved, documentation, benchmarks, and every
# IPv6 form that carries an IPv4 address a translator or tunnel would dial (NAT64, 6to4, Teredo, IPv4-compatible).
_NEVER = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8",
            "100.64.0.0/10",
            "169.254.0.0/16",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
            "::/96",
            "64:ff9b::/96",
            "64:ff9b:1::/48",
            "100::/64",
            "2001::/23",
            "2001:db8::/32",
            "2002::/16",
            "3fff::/20",
            "5f00::/16",
            "fe80::/10",
            "fec0::/10",
            "ff00::/8",
        ),
    )
)


def may_dial(address: Address, *, allow_private: bool) -> bool:
    """Whether a webhook may connect to `address`; IPv4 mapped into IPv6 is judged as IPv4."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if _inside(address, _PRIVATE):
        return allow_private
    return address.is_global and not _inside(address, _NEVER)


def resolve(host: str, port: int) -> list[Address]:
    """Every address of `host`, in the resolver's order. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(entry[4][0]) for entry in found]


def literal(host: str) -> Address | None:
    """The address that `host` itself spells; null for a name."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def url_problems(url: str, *, allow_private: bool) -> list[str]:
    """What can be judged of an address to call without the network; names are judged whenever they are dialled."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL as error:
        return [f"Not an address: {error}."]
    schemes = ("https", "http") if allow_private else ("https",)
    if parts.scheme not in schemes or not parts.host:
        return [f"Give an absolute address that starts with {' or '.join(f'{s}://' for s in schemes)}."]
    if any(c.isspace() or not c.isprintable() for c in url) or not 0 < (parts.port or 443) < 65_536:
        return ["No spaces or control characters, and a port from 1 to 65535."]
    if parts.userinfo:
        return ["No user name or password in the address."]
    address = literal(parts.host)
    if address is not None and not may_dial(address, allow_private=allow_private):
        return ["This address is private, local or reserved."]
    return []


def _inside(address: Address, networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
