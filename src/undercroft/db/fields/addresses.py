"""The field of an IP address, and its type: text in one form, the same on every database."""

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Literal, TypeAlias, Unpack, overload

import sqlalchemy as sa
from sqlalchemy import types
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Mapped
from sqlalchemy.types import TypeEngine

from undercroft.db.fields.field import take_options
from undercroft.db.fields.options import FieldKind, FieldOptions, build_column
from undercroft.db.fields.validators import (
    AddressValidator,
    is_ipv4,
    is_ipv6,
    validate_ipv4_address,
    validate_ipv6_address,
    validate_ipv46_address,
)
from undercroft.db.fields.values import Converting
from undercroft.errors import ImproperlyConfigured

Protocol: TypeAlias = Literal["both", "ipv4", "ipv6"]

#: Characters of the longest address in its shortest form (RFC 5952).
_LONGEST = 39

_VALIDATORS: dict[str, AddressValidator] = {
    "both": validate_ipv46_address,
    "ipv4": validate_ipv4_address,
    "ipv6": validate_ipv6_address,
}


class IPAddress(Converting, types.TypeDecorator[str]):
    """An IP address as text in its one shortest form (RFC 5952).

    Not PostgreSQL's `inet`: there an address would be ordered by its number, have no text to
    search in, and take a network for an address, all of it unlike other databases.

    Args:
        protocol: `both`, `ipv4` or `ipv6`.
        unpack_ipv4: Store `::ffff:192.0.2.1` as `192.0.2.1`.
    """

    impl = sa.String(_LONGEST)
    cache_ok = True

    def __init__(self, protocol: str = "both", unpack_ipv4: bool = False) -> None:
        super().__init__()
        self.protocol = protocol
        self.unpack_ipv4 = unpack_ipv4

    @property
    def python_type(self) -> type[str]:
        """What values are in Python."""
        return str

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Order characters by their codes on PostgreSQL too, whose locale may skip the dots."""
        return sa.String(_LONGEST, collation="C" if dialect.name == "postgresql" else None)

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Bring an address into its one form."""
        return None if value is None else self.convert(value)

    def convert(self, value: Any) -> str:
        """Bring an address into its one form.

        Raises:
            ValueError: It is none, or of the other protocol.
        """
        if isinstance(value, (IPv4Address, IPv6Address)):
            value = str(value)
        expected = f"an IP address{'' if self.protocol == 'both' else f' ({self.protocol})'}"
        if not isinstance(value, str) or not (is_ipv4(value) or is_ipv6(value)):
            raise ValueError(expected)
        address = ip_address(value)
        text = str(address)
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            mapped = str(address.ipv4_mapped)
            text = mapped if self.unpack_ipv4 else f"::ffff:{mapped}"
        if (self.protocol == "ipv4" and ":" in text) or (
            self.protocol == "ipv6" and ":" not in text
        ):
            raise ValueError(expected)
        return text


@overload
def GenericIPAddressField(
    verbose_name: str | None = None,
    *,
    protocol: Protocol = ...,
    unpack_ipv4: bool = ...,
    null: Literal[False] = False,
    **options: Unpack[FieldOptions[str]],
) -> Mapped[str]: ...


@overload
def GenericIPAddressField(
    verbose_name: str | None = None,
    *,
    protocol: Protocol = ...,
    unpack_ipv4: bool = ...,
    null: Literal[True],
    **options: Unpack[FieldOptions[str | None]],
) -> Mapped[str | None]: ...


def GenericIPAddressField(
    verbose_name: str | None = None,
    *,
    protocol: Protocol = "both",
    unpack_ipv4: bool = False,
    null: bool = False,
    **options: Any,
) -> Any:
    """Declare an IP address, stored in its one shortest form (RFC 5952).

    Raises:
        ImproperlyConfigured: The options do not go together.
    """
    if protocol not in _VALIDATORS or (unpack_ipv4 and protocol != "both"):
        raise ImproperlyConfigured(
            f"GenericIPAddressField(protocol={protocol!r}, unpack_ipv4={unpack_ipv4!r}) means "
            "nothing: expected both, ipv4 or ipv6, and unpack_ipv4 with both only.",
            code="db.field-option",
        )
    if options.get("blank") and not null:
        raise ImproperlyConfigured(
            "GenericIPAddressField(blank=True) needs null=True: there is no empty address.",
            code="db.field-option",
        )
    kind = FieldKind("GenericIPAddressField", IPAddress(protocol, unpack_ipv4), verbose_name, null)
    validators = (_VALIDATORS[protocol],)
    return build_column(kind, take_options(options), protocol=protocol, own_validators=validators)
