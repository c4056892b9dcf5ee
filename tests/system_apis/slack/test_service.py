"""Messages in Slack: each once, and nothing in them but text."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from sandboxes.slack import TOKEN
from shared.binding.problems import BackendFault, BackendUnavailable, Problem, QuotaExceeded
from shared.contracts.canonical.notification import Fact, NewNotification, NotificationLink
from shared.contracts.system.notifications import ChannelClosed, ChannelUnknown, NotificationNotFound
from shared.resilience.outbound_faults import OutcomeUnknown
from system_apis.slack import SlackNotifications

Fail = Callable[..., Awaitable[None]]
Told = Callable[[], Awaitable[list[dict[str, Any]]]]
Opened = Callable[..., SlackNotifications]

POST, HISTORY = "/api/chat.postMessage", "/api/conversations.history"


def notification(reference: str = "r-1", channel: str = "orders", text: str = "An order waits.") -> NewNotification:
    return NewNotification(reference, channel, text)


async def test_people_read_text_facts_and_link(slack: SlackNotifications, told: Told) -> None:
    before = time.time()
    link = NotificationLink("https://orders.example.com/4711?a=1&b=2", "Open it")
    wanted = NewNotification("r-1", "approvals", "An order waits.", [Fact("Order", "4711")], link)
    sent = await slack.send_notification(wanted)
    assert (sent.reference, sent.channel) == ("r-1", "approvals")
    assert sent.sent.timestamp() == pytest.approx(before, abs=60)
    (message,) = await told()
    assert (message["channel"], message["ts"], message["text"]) == ("C07TGWAPPRV", sent.message_id, "An order waits.")
    text, facts, below = message["blocks"]
    assert text["text"]["text"] == "An order waits."
    assert [field["text"] for field in facts["fields"]] == ["*Order*\n4711"]
    assert message["sequences"] == [below["text"]["text"]] == ["<https://orders.example.com/4711?a=1&amp;b=2|Open it>"]


async def test_nothing_that_callers_write_is_acted_upon(slack: SlackNotifications, told: Told) -> None:
    evil = "<!channel> <@U07TGWUSER0> <https://evil.example|Sign in> & &lt;!here&gt;"
    link = NotificationLink("https://orders.example.com", "a> <!channel")
    await slack.send_notification(NewNotification("r-1", "orders", evil, [Fact(evil, evil)], link))
    (message,) = await told()
    assert message["sequences"] == ["<https://orders.example.com|a&gt; &lt;!channel>"]
    assert message["text"].startswith("&lt;!channel&gt;")
    assert message["text"].endswith("&amp; &amp;lt;!here&amp;gt;")


async def test_the_longest_text_and_facts_are_taken_whole(slack: SlackNotifications, told: Told) -> None:
    facts = [Fact("&" * 80, "<" * 300)] * 10
    link = NotificationLink("https://" + "&" * 492, "&" * 80)
    await slack.send_notification(NewNotification("r-1", "orders", "&" * 3000, facts, link))
    (message,) = await told()
    pieces = [block["text"]["text"] for block in message["blocks"] if "text" in block]
    assert "".join(pieces[:-1]) == "&amp;" * 3000


async def test_a_repeat_answers_with_the_first_message(slack: SlackNotifications, told: Told) -> None:
    first = await slack.send_notification(notification())
    assert await slack.send_notification(notification(text="Other words.")) == first
    await slack.send_notification(notification(reference="r-2"))
    await slack.send_notification(notification(channel="approvals"))
    assert [one["text"] for one in await told()] == ["An order waits."] * 3
    assert await slack.get_notification("orders", "r-1") == first


async def test_repeats_at_the_same_time_are_one_message(slack: SlackNotifications, told: Told) -> None:
    sent = await asyncio.gather(*(slack.send_notification(notification()) for _ in range(8)))
    assert len({one.message_id for one in sent}) == len(await told()) == 1


async def test_a_message_is_found_behind_many_others_as_far_as_the_settings_say(opened: Opened, sandbox: str) -> None:
    sent = await opened().send_notification(notification())
    async with httpx.AsyncClient(base_url=sandbox, headers={"authorization": f"Bearer {TOKEN}"}) as others:
        for _ in range(200):
            await others.post(POST, json={"channel": "orders", "text": "chatter"})
    assert await opened().get_notification("orders", "r-1") == sent
    with pytest.raises(NotificationNotFound):
        await opened(look_back_messages=200).get_notification("orders", "r-1")


async def test_a_message_of_an_earlier_day_is_not_found(
    slack: SlackNotifications, control: httpx.AsyncClient, opened: Opened
) -> None:
    await control.post("/clock", json={"offset_seconds": -25 * 3600})
    await slack.send_notification(notification())
    with pytest.raises(NotificationNotFound):
        await slack.get_notification("orders", "r-1")
    assert (await opened(look_back_hours=48).get_notification("orders", "r-1")).reference == "r-1"


@pytest.mark.parametrize(("channel", "reference"), [("orders", "never"), ("nowhere", "r-1")])
async def test_what_was_not_sent_is_not_found(slack: SlackNotifications, channel: str, reference: str) -> None:
    with pytest.raises(NotificationNotFound):
        await slack.get_notification(channel, reference)


async def test_a_channel_that_no_setting_names_is_refused_unasked(
    slack: SlackNotifications, control: httpx.AsyncClient
) -> None:
    with pytest.raises(ChannelUnknown) as caught:
        await slack.send_notification(notification(channel="c07tgworder"))
    assert [error.pointer for error in caught.value.errors] == ["/channel"]
    assert (await control.get("/requests")).json()["requests"] == []


@pytest.mark.parametrize(
    ("channel", "code"), [("board", "not_in_channel"), ("retired", "is_archived"), ("gone", "channel_not_found")]
)
async def test_a_channel_that_is_closed_to_us_is_refused(opened: Opened, channel: str, code: str) -> None:
    channels = {"board": "C07TGWBOARD", "retired": "C07TGWOLDER", "gone": "C0NOWHERE"}
    with pytest.raises(ChannelClosed, match=code):
        await opened(channels=channels).send_notification(notification(channel=channel))


@pytest.mark.parametrize("fault", ["lost-reply", "truncate"])
async def test_a_message_whose_reply_is_lost_is_found_and_not_sent_twice(
    slack: SlackNotifications, fail: Fail, told: Told, fault: str
) -> None:
    await fail(POST, fault)
    sent = await slack.send_notification(notification())
    assert [one["ts"] for one in await told()] == [sent.message_id]


@pytest.mark.parametrize(
    ("fault", "more", "kind"),
    [
        ("close", {}, OutcomeUnknown),
        ("status", {"status": 503}, BackendUnavailable),
        ("status", {"status": 200, "body": {"ok": False, "error": "internal_error"}}, BackendUnavailable),
        ("nonsense", {}, OutcomeUnknown),
        ("status", {"status": 200, "body": {"ok": False, "error": "ratelimited"}}, QuotaExceeded),
        ("status", {"status": 200, "body": {"ok": False, "error": "invalid_auth"}}, BackendFault),
        ("status", {"status": 200, "body": {"ok": False, "error": "<new>"}}, BackendFault),
        ("status", {"status": 302, "headers": {"location": "https://slack.example/login"}}, BackendFault),
    ],
)
async def test_a_message_that_was_not_sent_says_why_and_can_be_repeated(
    slack: SlackNotifications, fail: Fail, told: Told, fault: str, more: dict[str, Any], kind: type[Problem]
) -> None:
    await fail(POST, fault, **more)
    with pytest.raises(kind) as caught:
        await slack.send_notification(notification())
    assert "<new>" not in caught.value.detail
    await slack.send_notification(notification())
    assert len(await told()) == 1


async def test_without_a_look_nothing_is_sent(slack: SlackNotifications, fail: Fail, told: Told) -> None:
    await fail(HISTORY, "status", status=503, times=3)
    with pytest.raises(BackendUnavailable):
        await slack.send_notification(notification())
    assert await told() == []


async def test_slack_may_ask_for_silence(opened: Opened, control: httpx.AsyncClient, told: Told) -> None:
    await control.post("/rate-limit", json={"seconds": 20})
    with pytest.raises(QuotaExceeded) as caught:
        await opened(retry_delays=()).send_notification(notification())
    assert caught.value.retry_after is not None
    assert 0 < caught.value.retry_after <= 21
    assert await told() == []


async def test_a_wrong_token_is_our_fault_and_stays_unsaid(opened: Opened) -> None:
    with pytest.raises(BackendFault, match="token") as caught:
        await opened(token="xoxb-mistyped").send_notification(notification())
    assert "mistyped" not in caught.value.detail
