"""Further orgs by name, each with a session, circuit, places and allowance of its own."""

import msgspec

from shared.binding.problems import BackendFault
from shared.resilience.outbound import Outbound
from system_apis.salesforce.connector import SalesforceConnector, SalesforceSettings
from system_apis.salesforce.faults import BACKEND


class SalesforceOrgs:
    """Every org of `[backends.salesforce]`: the section itself, and `[backends.salesforce.orgs.<name>]`.

    Args:
        default: The org of the section itself.
        outbound: Where backends come from.
    """

    def __init__(self, default: SalesforceConnector, outbound: Outbound) -> None:
        self._orgs = {"": default} | {
            name: SalesforceConnector(_of_its_own(name, settings), outbound)
            for name, settings in default.settings.orgs.items()
        }

    @property
    def names(self) -> tuple[str, ...]:
        """The further orgs."""
        return tuple(name for name in self._orgs if name)

    def named(self, name: str = "") -> SalesforceConnector:
        """The org of this name; the default one for none.

        Raises:
            BackendFault: There is no such org in the settings.
        """
        org = self._orgs.get(name)
        if org is None:
            known = ", ".join(self.names) or "none"
            raise BackendFault(
                f"No org is called {name!r}; the further orgs of [backends.salesforce.orgs] are {known}."
            )
        return org


def _of_its_own(name: str, settings: SalesforceSettings) -> SalesforceSettings:
    """The settings of a further org; its allowance is its own unless a quota of another name says otherwise."""
    quota = f"{BACKEND}-{name}" if settings.quota == BACKEND else settings.quota
    return msgspec.structs.replace(settings, org=name, quota=quota)
