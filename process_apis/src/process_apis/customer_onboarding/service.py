"""The Process API over the flow: submit, wait, show."""

from process_apis.customer_onboarding.flow import CustomerToOnboard, OnboardCustomer
from shared.contracts.process.customer_onboarding import (
    CustomerOnboarding,
    OnboardedCustomer,
    OnboardingNotFound,
    OnboardingProgress,
    OnboardingRequest,
)
from shared.durable.flow_view import FlowView
from shared.durable.long_running import LongRunning, progress_of
from shared.durable.runner import FlowRunner

_KEY = "onboarding-"


class DurableCustomerOnboarding(CustomerOnboarding):
    """Onboardings are durable flows; the customer's id is the business key, so a customer is onboarded at most once."""

    def __init__(self, flows: FlowRunner) -> None:
        self._onboardings = LongRunning(flows, OnboardCustomer, "onboarding", _no_onboarding)

    async def onboard_customer(self, request: OnboardingRequest) -> OnboardingProgress:
        """See CustomerOnboarding."""
        key = _KEY + request.customer_id
        return _progress(await self._onboardings.submit(key, CustomerToOnboard(request), first_stands=True))

    async def get_onboarding(self, onboarding_id: str) -> OnboardingProgress:
        """See CustomerOnboarding."""
        return _progress(await self._onboardings.view(onboarding_id))


def _no_onboarding(onboarding_id: str) -> OnboardingNotFound:
    return OnboardingNotFound(f"There is no onboarding {onboarding_id}.")


def _progress(view: FlowView[OnboardedCustomer]) -> OnboardingProgress:
    return OnboardingProgress(
        onboarding_id=view.flow_id,
        customer_id=view.key.rpartition(":")[2].removeprefix(_KEY),  # one for a company above has its key behind `:`
        onboarded=view.result,
        **progress_of(view),
    )
