"""What the official SDKs and agents see through the gateway, and what is heard of them; the life of a credential behind them."""

import json
import os
import subprocess
import sys
import tempfile
import time
import traceback

import anthropic
import openai

import fidelity
import memory
from house import House, fetch, until

KEY = "sk-ant-api03-story-key-000000000001"
OPENAI_KEY = "sk-proj-story-key-0000000000000002"
OAUTH = ["sk-ant-oat01-story-token-00000000003", "sk-ant-oat01-story-token-00000000004"]
WEATHER = {
    "name": "weather",
    "description": "Says the weather of a place.",
    "input_schema": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
}

house = House([KEY, OPENAI_KEY, *OAUTH])


def claude(**auth):
    # An OAuth token is accepted only with the header that says that it is one.
    headers = {"anthropic-beta": "oauth-2025-04-20"} if "auth_token" in auth else {}
    return anthropic.Anthropic(base_url=house.gateway.address, max_retries=0, default_headers=headers, **auth)


def gpt():
    return openai.OpenAI(base_url=house.gateway.address + "/v1", api_key=OPENAI_KEY, max_retries=0)


def ask(client, messages, **more):
    return client.messages.create(model="claude-sonnet-5-5", max_tokens=200, messages=messages, **more)


def words(message):
    return "".join(block.text for block in message.content if block.type == "text")


def anthropic_answers_in_one_piece():
    assert words(ask(claude(api_key=KEY), [{"role": "user", "content": "hello there"}]))


def anthropic_streams():
    with claude(api_key=KEY).messages.stream(
        model="claude-sonnet-5-5", max_tokens=200, messages=[{"role": "user", "content": "stream please"}]
    ) as stream:
        pieces = list(stream.text_stream)
        assert "".join(pieces) == words(stream.get_final_message()) and pieces


def anthropic_counts_tokens_and_lists_models():
    client = claude(api_key=KEY)
    counted = client.messages.count_tokens(model="claude-sonnet-5-5", messages=[{"role": "user", "content": "count"}])
    assert counted.input_tokens > 0
    assert list(client.models.list())


def anthropic_makes_a_tool_round_trip():
    client = claude(api_key=KEY)
    messages = [{"role": "user", "content": "use the tool weather"}]
    called = ask(client, messages, tools=[WEATHER])
    call = next(block for block in called.content if block.type == "tool_use")
    messages += [
        {"role": "assistant", "content": called.content},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny, 21 degrees"}]},
    ]
    assert "21" in words(ask(client, messages, tools=[WEATHER]))


def an_mcp_client_remembers_recalls_and_forgets():
    memory.an_mcp_client_remembers_recalls_and_forgets(house.gateway.address)


def openai_chats():
    answer = gpt().chat.completions.create(model="gpt-5-mini", messages=[{"role": "user", "content": "hello"}])
    assert answer.choices[0].message.content
    chunks = gpt().chat.completions.create(
        model="gpt-5-mini", messages=[{"role": "user", "content": "hello"}], stream=True
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def openai_makes_a_tool_round_trip():
    tool = {"type": "function", "function": {"name": "weather", "parameters": WEATHER["input_schema"]}}
    messages = [{"role": "user", "content": "use the tool weather"}]
    first = gpt().chat.completions.create(model="gpt-5-mini", messages=messages, tools=[tool]).choices[0].message
    messages += [first, {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "sunny, 21 degrees"}]
    second = gpt().chat.completions.create(model="gpt-5-mini", messages=messages, tools=[tool])
    assert "21" in second.choices[0].message.content


def openai_responds():
    assert gpt().responses.create(model="gpt-5-mini", input="hello").output_text
    kinds = [event.type for event in gpt().responses.create(model="gpt-5-mini", input="hello", stream=True)]
    assert kinds[-1] == "response.completed", kinds


def openai_goes_on_from_a_response_it_keeps():
    first = gpt().responses.create(model="gpt-5-mini", input="the provider keeps this conversation")
    gpt().responses.create(model="gpt-5-mini", input="only what is new is sent", previous_response_id=first.id)

    def both():
        for row in house.api("/sessions")[1]["sessions"]:
            said = json.dumps(house.api(f"/sessions/{row['id']}/messages")[1])
            if "the provider keeps this" in said and "only what is new" in said:
                return row["turns"] == 2
        return False

    assert until(both), "two turns, one session"


def errors_arrive_as_the_providers_own():
    try:
        ask(claude(api_key="sk-ant-api03-nobody-knows-this-key"), [{"role": "user", "content": "hi"}])
    except anthropic.AuthenticationError as error:
        assert error.status_code == 401 and error.body["error"]["type"] == "authentication_error", error.body
    else:
        raise AssertionError("an unknown key was accepted")


# --- the life of a session and of its credential -----------------------------------------------------------------------------

story = {"messages": []}
LINES = [
    "We decided to use PostgreSQL 16 instead of MySQL for the ledger service.",
    "The build fails with error E0502 in src/ledger.rs line 214.",
    "I prefer tabs, and the deadline is the 14th of March.",
]


def say(client, text):
    story["messages"].append({"role": "user", "content": text})
    answer = ask(client, story["messages"])
    story["messages"].append({"role": "assistant", "content": answer.content})
    return answer


def session():
    """The session that holds the story."""
    for row in house.api("/sessions")[1]["sessions"]:
        said = json.dumps(house.api(f"/sessions/{row['id']}/messages")[1])
        if LINES[0] in said and row["turns"] >= 1:
            return row
    return None


def three_turns_become_observations_and_knowledge():
    client = claude(auth_token=OAUTH[0])
    for line in LINES:
        say(client, line)
    found = until(session)
    story["session"] = found["id"]
    assert until(lambda: session()["turns"] == 3), "three turns, one session"
    assert until(lambda: house.api(f"/sessions/{found['id']}/observations")[1]["observations"])
    assert until(lambda: house.api("/knowledge")[1]["knowledge"])
    hits = house.api("/recall?q=PostgreSQL&limit=5")[1]["hits"]
    assert hits, "recall finds nothing"


def they_survive_a_kill():
    before = house.api(f"/sessions/{story['session']}/observations")[1]["observations"]
    house.reopen(kill=True)
    assert house.api(f"/sessions/{story['session']}/observations")[1]["observations"] == before
    assert house.api("/recall?q=PostgreSQL&limit=5")[1]["hits"]



def refused_calls():
    return [call for call in house.received() if call["status"] == 401]


def a_refused_token_makes_one_alert_and_no_storm():
    client = claude(auth_token=OAUTH[0])
    for line in LINES:
        say(client, line + " Again.")  # Three more turns: enough is pending for background work.
    before = len(refused_calls())
    house.order(expire_in={"token": OAUTH[0], "seconds": 0})
    until(lambda: session()["background"] == "paused")
    until(lambda: len(house.sentry.alerts()) == 1)
    time.sleep(5)  # Five more ticks, in which nothing may happen.
    assert len(refused_calls()) - before <= 1, refused_calls()
    assert len(house.sentry.alerts()) == 1
    assert session()["paused_because"]


def the_same_token_again_wakes_nothing():
    before = len(refused_calls())
    try:
        ask(claude(auth_token=OAUTH[0]), [*story["messages"], {"role": "user", "content": "are you there?"}])
    except anthropic.AuthenticationError:
        pass
    time.sleep(3)
    assert len(refused_calls()) - before == 1, "only the client's own call"
    assert session()["background"] == "paused"
    assert len(house.sentry.alerts()) == 1


def a_fresh_token_sets_work_going_within_a_second():
    observed = len(house.api(f"/sessions/{story['session']}/observations")[1]["observations"])
    say(claude(auth_token=OAUTH[1]), "Here I am again, with a fresh token.")
    proven = time.monotonic()
    until(lambda: session()["background"] == "ready")
    until(lambda: len(house.api(f"/sessions/{story['session']}/observations")[1]["observations"]) > observed)
    print(f"    work was done {time.monotonic() - proven:.2f} s after the fresh token was accepted")


def no_token_is_written_anywhere():
    written = house.everything_written()
    for token in [KEY, OPENAI_KEY, *OAUTH]:
        assert token.encode() not in written, f"{token[:14]}… was written"


def claude_code_works():
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": tempfile.mkdtemp(prefix="claude-home-"),
        "ANTHROPIC_BASE_URL": house.gateway.address,
        "ANTHROPIC_API_KEY": KEY,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
    }
    ran = subprocess.run(
        [os.environ["CLAUDE_CODE"], "-p", "say something short"],
        env=environment,
        cwd=environment["HOME"],
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )
    assert ran.returncode == 0 and ran.stdout.strip(), ran.stdout + ran.stderr
    rows = house.api("/sessions")[1]["sessions"]
    assert any("claude" in row["client"].lower() for row in rows), rows


def opencode_is_led_to_the_gateway():
    """By `stillroom run`, and beside what its user had set in the same variable."""
    home = tempfile.mkdtemp(prefix="opencode-home-")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": home,
        "ANTHROPIC_API_KEY": KEY,
        "OPENCODE_CONFIG_CONTENT": '{"model": "anthropic/claude-sonnet-4-5", "autoupdate": false}',
        "OPENCODE_DISABLE_MODELS_FETCH": "1",
    }
    gateway = ["--listen", house.gateway.address.removeprefix("http://")]
    ran = subprocess.run(
        [os.environ["GATEWAY_BINARY"], "run", *gateway, "--", os.environ["OPENCODE"], "run", "say something short"],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=180,
        stdin=subprocess.DEVNULL,
    )
    assert ran.returncode == 0 and ran.stdout.strip(), ran.stdout + ran.stderr
    rows = house.api("/sessions")[1]["sessions"]
    assert any("opencode" in row["client"].lower() for row in rows), rows


CHECKS = [
    anthropic_answers_in_one_piece,
    anthropic_streams,
    anthropic_counts_tokens_and_lists_models,
    anthropic_makes_a_tool_round_trip,
    openai_chats,
    openai_makes_a_tool_round_trip,
    openai_responds,
    openai_goes_on_from_a_response_it_keeps,
    errors_arrive_as_the_providers_own,
    an_mcp_client_remembers_recalls_and_forgets,
    three_turns_become_observations_and_knowledge,
    they_survive_a_kill,
    a_refused_token_makes_one_alert_and_no_storm,
    the_same_token_again_wakes_nothing,
    a_fresh_token_sets_work_going_within_a_second,
]
if os.environ.get("CLAUDE_CODE"):
    CHECKS.append(claude_code_works)
if os.environ.get("OPENCODE"):
    CHECKS.append(opencode_is_led_to_the_gateway)
CHECKS.append(no_token_is_written_anywhere)
CHECKS += fidelity.CHECKS


def main():
    failed = 0
    for check in CHECKS:
        name = check.__name__.replace("_", " ")
        try:
            check()
            print(f"ok  {name}")
        except Exception:
            failed += 1
            print(f"FAILED  {name}")
            traceback.print_exc()
    for agent in ["CLAUDE_CODE", "CODEX", "OPENCODE"]:
        if not os.environ.get(agent):
            print(f"not run: what needs {agent} (its npm package does not install here)")
    if failed:
        print("".join(house.gateway.printed[-60:]))
    house.end()
    fidelity.line.house.end()
    print(f"clients: {len(CHECKS) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
