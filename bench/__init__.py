"""How long it takes and how much memory, beside two yardsticks measured in the same run."""
