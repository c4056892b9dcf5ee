"""Events of a Salesforce org: subscribing over the Pub/Sub API or CometD, change data capture, publishing."""
