from shared.telemetry.conventions import server_attributes


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


def test_an_invented_method_does_not_become_a_label() -> None:
    assert server_attributes("BREW" * 20)["http.request.method"] == "_OTHER"
    assert server_attributes("BREW")["http.request.method_original"] == "BREW"
