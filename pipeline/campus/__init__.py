"""One campus is one TOML file: its sources, rules, codes, terms and places, checked as a whole before anything runs."""
