"""Business partners: how they come to be, change and go out of use."""
