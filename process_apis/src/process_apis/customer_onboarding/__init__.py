"""From a customer that only the CRM knows to one that can order."""

from process_apis.customer_onboarding.flow import OnboardCustomer, OnboardCustomerV1
from process_apis.customer_onboarding.service import DurableCustomerOnboarding
from shared.host.api import Api

api = Api(service=DurableCustomerOnboarding, flows=(OnboardCustomer, OnboardCustomerV1))
