"""Each client twice, straight to the provider and through the gateway: the provider hears the same."""

import difflib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import anthropic
import openai

from house import House
from tap import Tap

KEY = "sk-ant-api03-fidelity-key-0000000001"
OPENAI_KEY = "sk-proj-fidelity-key-00000000000002"
# Only clients shall be heard.
NO_WORK = {f"STILLROOM_{worker}__ENABLED": "false" for worker in ("DISTILLER", "CURATOR", "CACHE_WARMER")}
# Speaks about the client's own connection.
HOP_BY_HOP = {"connection"}
# Names that a client draws anew for each run, and the time of day.
DRAWN = re.compile(rb'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=_at_unix_ms":)\d+|(?<=_at_unix_ms\\":)\d+')


class Line:
    """A gateway and its provider. The tap between them takes clients directly, too."""

    def __init__(self):
        self.house = House([KEY, OPENAI_KEY], tap=Tap, settings=NO_WORK)

    def compare(self, run, plain=lambda told: told):
        """Has `run` speak to either address, and gives how many requests it made; `plain` takes out what differs anyway."""
        straight = self._heard(run, self.house.tap.address, plain)
        relayed = self._heard(run, self.house.gateway.address, plain)
        assert straight, "the client said nothing"
        assert straight == relayed, "\n".join(difflib.unified_diff(straight, relayed, "straight", "relayed", n=0))
        return len(straight)

    def _heard(self, run, address, plain):
        self.house.tap.requests()
        run(address)
        return sorted(text(*request, plain) for request in self.house.tap.requests())


def text(line, headers, body, plain):
    """A request as one text. Headers of one name stay in order; the order of names and their case are not compared."""
    fields = [(name.lower(), value) for name, value in headers if name.lower() not in HOP_BY_HOP]
    head = "\n".join([line, *(f"{name}: {value}" for name, value in sorted(fields, key=lambda field: field[0]))])
    return (plain(head.encode("latin-1")) + b"\n\n" + plain(body)).decode("latin-1")


def without_drawn(told):
    return DRAWN.sub(b"drawn", told)


def in_one_order(told):
    """For a client that also draws the order of its keys."""
    try:
        return without_drawn(json.dumps(json.loads(told), sort_keys=True).encode())
    except ValueError:
        return without_drawn(told)


line = Line()


def the_anthropic_sdk_is_heard_as_if_nobody_stood_between():
    def run(address):
        client = anthropic.Anthropic(base_url=address, api_key=KEY, max_retries=0)
        turn = {"model": "claude-sonnet-5-5", "messages": [{"role": "user", "content": "Grüße, \u2028 \"and\" 🫙"}]}
        client.messages.create(max_tokens=50, **turn, extra_headers={"x-own": "1"}, extra_query={"beta": "a/b c"})
        with client.messages.stream(max_tokens=50, **turn) as stream:
            stream.get_final_message()
        client.messages.count_tokens(**turn)
        list(client.models.list())

    assert line.compare(run) == 4


def the_openai_sdk_is_heard_as_if_nobody_stood_between():
    def run(address):
        client = openai.OpenAI(base_url=address + "/v1", api_key=OPENAI_KEY, max_retries=0)
        chat = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Grüße 🫙"}]}
        client.chat.completions.create(**chat)
        list(client.chat.completions.create(**chat, stream=True))
        client.responses.create(model="gpt-5-mini", input="hello")
        list(client.responses.create(model="gpt-5-mini", input="hello", stream=True))
        list(client.models.list())

    assert line.compare(run) == 5


def spoken(command, home, **environment):
    """Runs an agent once, in `home`; it must say something and be content."""
    ran = subprocess.run(
        command,
        env={"PATH": os.environ["PATH"], "HOME": str(home), **environment},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )
    assert ran.returncode == 0 and ran.stdout.strip(), ran.stdout + ran.stderr


def at_home(run):
    """`run`, each time in the same home as it was after a first run: an agent draws a name for its machine once."""
    folder = tempfile.TemporaryDirectory(prefix="agent-", ignore_cleanup_errors=True)
    home, first = pathlib.Path(folder.name, "home"), pathlib.Path(folder.name, "first")
    home.mkdir()
    run(line.house.tap.address, home)
    shutil.copytree(home, first, symlinks=True)

    def again(address, _keep=folder):
        shutil.rmtree(home)
        shutil.copytree(first, home, symlinks=True)
        run(address, home)

    return again


def claude_code_is_heard_as_if_nobody_stood_between():
    def run(address, home):
        spoken(
            [os.environ["CLAUDE_CODE"], "-p", "say something short"],
            home,
            ANTHROPIC_BASE_URL=address,
            ANTHROPIC_API_KEY=KEY,
            CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
            DISABLE_AUTOUPDATER="1",
        )

    line.compare(at_home(run), without_drawn)


def codex_is_heard_as_if_nobody_stood_between():
    def run(address, home):
        provider = f'{{name="p", base_url="{address}/v1", env_key="OPENAI_API_KEY", wire_api="responses"}}'
        settings = ["-c", f"model_providers.p={provider}", "-c", 'model_provider="p"', "-c", 'model="gpt-5-codex"']
        command = [os.environ["CODEX"], "exec", "--skip-git-repo-check", *settings, "say something short"]
        spoken(command, home, OPENAI_API_KEY=OPENAI_KEY)

    line.compare(at_home(run), in_one_order)


CHECKS = [
    the_anthropic_sdk_is_heard_as_if_nobody_stood_between,
    the_openai_sdk_is_heard_as_if_nobody_stood_between,
    *([claude_code_is_heard_as_if_nobody_stood_between] if os.environ.get("CLAUDE_CODE") else []),
    *([codex_is_heard_as_if_nobody_stood_between] if os.environ.get("CODEX") else []),
]
