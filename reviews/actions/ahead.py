"""How long a review taken ahead of time may wait to be shown (`reviews.actions.prefetch`)."""

AHEAD_S = 60


def of_taken(columns: dict[str, str], ahead: bool) -> dict[str, str]:
    """The columns of a new claim and its event as SQL; taken `ahead`, the lease ends after a minute at most."""
    if not ahead:
        return columns
    short = f"LEAST(taken.until, taken.at + interval '{AHEAD_S} seconds')"
    return {name: text.replace("taken.until", short) for name, text in columns.items()}
