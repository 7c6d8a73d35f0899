"""Seeded nights with everything wrong at once: the production stages, a lying world, and a referee who knows."""
