"""Security rules: how ARM spells them, the sets that they name, and the tags among those."""
