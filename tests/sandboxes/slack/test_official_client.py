"""Slack's own client, unmodified, against the sandbox."""

from collections.abc import AsyncIterator

import httpx
import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import DividerBlock, HeaderBlock, MarkdownTextObject, SectionBlock
from slack_sdk.models.metadata import Metadata

from sandboxes.kit import serve_sandbox
from sandboxes.slack import CHANNELS, TOKEN


@pytest.fixture(scope="module")
async def url() -> AsyncIterator[str]:
    async with serve_sandbox("slack") as base_url:
        yield base_url


@pytest.fixture
def client(url: str) -> WebClient:
    httpx.post(f"{url}/__sandbox__/reset")
    return WebClient(TOKEN, base_url=f"{url}/api/")


def code(refused: pytest.ExceptionInfo[SlackApiError]) -> str:
    return refused.value.response["error"]


def test_the_token_says_who_we_are_and_what_there_is(client: WebClient) -> None:
    assert client.auth_test()["bot_id"]
    names = {one["name"]: one["is_member"] for one in client.conversations_list()["channels"]}
    assert names == {"orders": True, "approvals": True, "board": False, "retired": True}


def test_a_message_is_posted_and_read_back_with_its_metadata(client: WebClient) -> None:
    blocks = [HeaderBlock(text="Order"), DividerBlock(), SectionBlock(text=MarkdownTextObject(text="waits"))]
    metadata = Metadata("order", {"reference": "r-1"})
    posted = client.chat_postMessage(channel="#orders", text="An order", blocks=blocks, metadata=metadata)
    assert posted["channel"] == CHANNELS["orders"]
    (message,) = client.conversations_history(channel=posted["channel"], include_all_metadata=True)["messages"]
    assert (message["ts"], message["metadata"]["event_payload"]) == (posted["ts"], {"reference": "r-1"})
    (bare,) = client.conversations_history(channel=posted["channel"])["messages"]
    assert "metadata" not in bare


def test_history_comes_newest_first_in_pages(client: WebClient) -> None:
    for number in range(5):
        client.chat_postMessage(channel=CHANNELS["orders"], text=str(number))
    pages = [page["messages"] for page in client.conversations_history(channel=CHANNELS["orders"], limit=2)]
    assert [[message["text"] for message in page] for page in pages] == [["4", "3"], ["2", "1"], ["0"]]
    third = pages[1][0]["ts"]
    later = client.conversations_history(channel=CHANNELS["orders"], oldest=third)["messages"]
    assert [message["text"] for message in later] == ["4", "3"]


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"channel": "nowhere", "text": "x"}, "channel_not_found"),
        ({"channel": CHANNELS["board"], "text": "x"}, "not_in_channel"),
        ({"channel": CHANNELS["retired"], "text": "x"}, "is_archived"),
        ({"channel": CHANNELS["orders"], "text": "  "}, "no_text"),
        ({"channel": CHANNELS["orders"], "text": "x", "blocks": [{"type": "poem"}]}, "invalid_blocks"),
        (
            {"channel": CHANNELS["orders"], "text": "x",
             "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]},
            "invalid_blocks",
        ),
        ({"channel": CHANNELS["orders"], "text": "x", "metadata": {"event_type": "order"}}, "invalid_metadata_format"),
    ],
)  # fmt: skip
def test_slack_says_no_with_a_code(client: WebClient, given: dict[str, object], error: str) -> None:
    with pytest.raises(SlackApiError) as refused:
        client.api_call("chat.postMessage", json=given)
    assert code(refused) == error


def test_a_form_is_taken_like_json(client: WebClient) -> None:
    data = {"channel": "orders", "text": "x", "metadata": '{"event_type": "order", "event_payload": {}}'}
    assert client.api_call("chat.postMessage", data=data)["message"]["metadata"]["event_type"] == "order"


def test_a_wrong_token_no_token_and_an_unknown_method_are_told_apart(client: WebClient, url: str) -> None:
    with pytest.raises(SlackApiError) as refused:
        WebClient("xoxb-other", base_url=f"{url}/api/").auth_test()
    assert code(refused) == "invalid_auth"
    with pytest.raises(SlackApiError) as refused:
        client.api_call("chat.shout")
    assert code(refused) == "unknown_method"
    assert httpx.post(f"{url}/api/auth.test").json() == {"ok": False, "error": "not_authed"}


def test_too_many_requests_are_told_when_to_come_back(client: WebClient, url: str) -> None:
    httpx.post(f"{url}/__sandbox__/rate-limit", json={"seconds": 20})
    with pytest.raises(SlackApiError) as refused:
        client.auth_test()
    assert refused.value.response.status_code == 429
    assert 0 < int(refused.value.response.headers["Retry-After"]) <= 21
