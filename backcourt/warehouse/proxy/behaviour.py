"""The settings in force, which a test may change while the server runs."""

from typing import Any

from backcourt.warehouse.proxy.faults import Faults
from backcourt.warehouse.proxy.settings import Settings


class Behaviour:
    """Holds settings and the plan of faults made from them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.faults = Faults(settings)

    def change(self, update: dict[str, Any]) -> None:
        """Change some settings by name; a plan of faults begins anew when anything about faults changes.

        Raises:
            pydantic.ValidationError: a name or a value is not allowed; nothing is changed then.
        """
        self.settings = Settings.model_validate(self.settings.model_dump() | update)
        if {"faults", "fault_rate", "fault_modes", "seed"} & update.keys():
            self.faults = Faults(self.settings)
