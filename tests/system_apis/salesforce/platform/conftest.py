import pytest

from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.platform.describe import Describe
from system_apis.salesforce.platform.service import OrgPlatform


@pytest.fixture
def describe(salesforce: SalesforceConnector) -> Describe:
    return Describe(salesforce)


@pytest.fixture
def platform(salesforce: SalesforceConnector, describe: Describe) -> OrgPlatform:
    return OrgPlatform(salesforce, describe)
