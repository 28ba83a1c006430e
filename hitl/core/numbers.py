"""Numbers as the reader of a page writes them; REST and workers speak English, so they keep the point."""

from django.utils.formats import number_format


def percent(share: float, digits: int = 1, sign: str = "") -> str:
    """`0.743` as 74.3% or 74,3%; `sign` "+" writes one always."""
    return f"{number_format(f'{share * 100:{sign}.{digits}f}')}%"


def fixed(value: float, digits: int) -> str:
    """With so many digits after the point or comma."""
    return str(number_format(f"{value:.{digits}f}"))


def plain(value: float) -> str:
    """With as many digits as it needs, at most six."""
    return str(number_format(f"{value:g}"))


def whole(value: int) -> str:
    """With its thousands apart: 12,345 or 12.345."""
    return str(number_format(value, force_grouping=True))


def signed(value: int) -> str:
    """A whole number with its sign always."""
    return f"{'+' if value >= 0 else '-'}{whole(abs(value))}"
