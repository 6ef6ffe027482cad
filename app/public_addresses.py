"""Which addresses a webhook may be at: public ones alone, or the service could be made to call what is around it."""

import ipaddress
import socket

_UNICAST = ipaddress.ip_network("2000::/3")  # all of IPv6 that is handed out; mapped IPv4 and NAT64 lie outside
# Ways from one IP to the other and other assignments for protocols; some of them the library takes for global.
_OF_PROTOCOLS = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2002::/16")))


class NotPublic(Exception):
    """A host has an address that is not public. The message names neither."""


def is_public(address: str) -> bool:
    """Whether an address is one of the public Internet, to which nothing of ours or of a neighbour answers."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if not found.is_global or found.is_multicast or found.is_reserved or found.is_unspecified:
        return False
    if isinstance(found, ipaddress.IPv6Address) and (found.scope_id is not None or found not in _UNICAST):
        return False
    return not any(found in network for network in _OF_PROTOCOLS)


def addresses_of(host: str) -> list[str]:
    """All addresses of a host, in the order in which the system would try them. Raises OSError: it has none."""
    found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def public_only(addresses: list[str]) -> list[str]:
    """The same addresses. Raises NotPublic where one of them is not public, or there is none."""
    if not addresses or not all(is_public(address) for address in addresses):
        raise NotPublic
    return addresses
