import pytest

from shared.telemetry.conventions import (
    client_attributes,
    http_span_name,
    operation_attributes,
    server_attributes,
    url_without_secrets,
)


def test_server_attributes_have_the_stable_names() -> None:
    assert server_attributes("GET", "/v1/orders/{id}", address="api.example.com", port=443, scheme="https") == {
        "http.request.method": "GET",
        "http.route": "/v1/orders/{id}",
        "server.address": "api.example.com",
        "server.port": 443,
        "url.scheme": "https",
    }


def test_an_unmatched_request_has_no_route() -> None:
    assert "http.route" not in server_attributes("GET")
    assert http_span_name("GET") == "GET"


def test_an_invented_method_does_not_become_a_label() -> None:
    assert server_attributes("BREW" * 20)["http.request.method"] == "_OTHER"
    assert server_attributes("BREW")["http.request.method_original"] == "BREW"
    assert http_span_name("BREW", "/pot") == "HTTP /pot"


def test_client_attributes_name_the_server() -> None:
    assert client_attributes("POST", "https://org.my.salesforce.com/services") == {
        "http.request.method": "POST",
        "server.address": "org.my.salesforce.com",
        "server.port": 443,
    }
    assert client_attributes("GET", "http://127.0.0.1:41001")["server.port"] == 41001


def test_operation_attributes() -> None:
    assert operation_attributes("crm", "get_quote") == {"triptych.api": "crm", "triptych.operation": "get_quote"}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@host:8443/a/b?access_token=x#f", "https://host:8443/a/b"),
        ("https://host/a", "https://host/a"),
        ("https://host?x=1", "https://host"),
        ("https://host/a@b#frag", "https://host/a@b"),
        ("/relative?x", "/relative"),
    ],
)
def test_a_url_is_shown_without_credentials(url: str, shown: str) -> None:
    assert url_without_secrets(url) == shown
