"""A claim of the verified token, named where a match names a header: `@request.auth.claims.ring`, or with brackets."""

CLAIM = "@request.auth.claims"


def is_claim(name: str) -> bool:
    return name.lower().startswith(CLAIM) and len(name) > len(CLAIM) + 1
