"""What Ray raises where an actor is gone."""

from ray.exceptions import OutOfMemoryError, RayActorError

GONE = (RayActorError, OutOfMemoryError)
"""Dead, restarting or out of reach. Of an actor that Ray's memory monitor killed it tells by an error of another family
(Ray, "Out-Of-Memory Prevention", read 2026-11)."""
