"""How long a preview takes and how much memory it needs, beside two yardsticks: `make bench`."""
