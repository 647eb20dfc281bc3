"""What a program shows to prove its right: tokens, and the secrets of owners."""


def check_secret(name: str, secret: str) -> None:
    """Raise ValueError, which does not tell it, for one that no header can carry."""
    if not secret.isprintable():
        raise ValueError(f"the {name} has a character that no header takes, such as an end of line")
