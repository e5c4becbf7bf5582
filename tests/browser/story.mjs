// The dashboard as a person meets it: every page by day and by night, narrow and wide, with the keyboard, without a script, and from
// the outside.

import { createRequire } from "node:module";
import { createServer } from "node:http";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { House, until } from "./house.mjs";

const require = createRequire(join(process.env.MODULES, "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const KEY = "sk-ant-api03-browser-key-00000000001";
const STALE = "sk-ant-api03-browser-key-00000000002";
const WORK = "5e55104a-0000-4000-8000-000000000001";
const PAUSED = "5e55104a-0000-4000-8000-000000000002";
const HOSTILE = "5e55104a-0000-4000-8000-000000000003";
const PAST = `${"0".repeat(8)}-5eed-4a11-8000-0000000057ed`;
const ATTACK = `<script>window.hacked = 1</script>"><img src=x onerror="window.hacked=1"> \u202eevil javascript:alert(1)`;
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

const shots = process.env.SCREENSHOTS;
mkdirSync(shots, { recursive: true });
const profile = mkdtempSync(join(tmpdir(), "stillroom-chromium-"));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: [...FLAGS, `--disk-cache-dir=${profile}`],
});
const results = { passed: 0, failed: 0 };

async function check(name, story) {
  try {
    await story();
    results.passed += 1;
    console.log(`ok    ${name}`);
  } catch (error) {
    results.failed += 1;
    console.log(`FAIL  ${name}\n${error.stack ?? error}`);
  }
}

function claim(holds, what) {
  if (!holds) throw new Error(what);
}

// A page that complains of everything that goes wrong on it.
async function visit(options, story) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (said) => ["error", "warning"].includes(said.type()) && complaints.push(`${said.text()} ${said.location().url}`));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("requestfailed", (request) => {
    // Leaving a page ends what it was still asking for: its stream, and the icon, for which "load" does not wait. The browser itself
    // aborts then; what the gateway breaks off, refuses or leaves unsaid has other names.
    const why = request.failure()?.errorText;
    if (why !== "net::ERR_ABORTED") complaints.push(`failed: ${request.url()} ${why}`);
  });
  page.on("response", (answer) => {
    if (answer.status() >= 400 && !options.expectsRefusals) complaints.push(`${answer.status()}: ${answer.url()}`);
  });
  try {
    await story(page, context);
    claim(complaints.length === 0 || options.expectsRefusals, complaints.join("\n"));
  } finally {
    await context.close();
  }
}

async function faults(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const grave = found.violations.filter((it) => ["serious", "critical"].includes(it.impact));
  return grave.map((it) => `${it.id}: ${it.help}: ${it.nodes.map((node) => node.html).slice(0, 3).join(" | ")}`);
}

const SCHEMES = ["light", "dark"];
const WIDTHS = [1280, 320];

// Looks at a page in every way, and keeps a picture of each.
async function look(name, address) {
  for (const colorScheme of SCHEMES) {
    for (const width of WIDTHS) {
      await check(`${name}, ${colorScheme}, ${width} px`, () =>
        visit({ colorScheme, viewport: { width, height: width === 320 ? 640 : 860 } }, async (page) => {
          const answer = await page.goto(address, { waitUntil: "load" });
          claim(answer.status() === 200, `status ${answer.status()}`);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth);
          claim(wide <= width, `the page is ${wide} px wide`);
          claim(!(await page.evaluate(() => window.hacked)), "somebody's words were run");
          const grave = await faults(page);
          await page.screenshot({ path: join(shots, `${name}-${colorScheme}-${width}.png`), fullPage: true });
          claim(grave.length === 0, grave.join("\n"));
        }),
      );
    }
  }
}

const user = (content) => ({ role: "user", content });

async function traffic(house) {
  const manual = "The oven is to be hot before the loaf goes in. ".repeat(700);
  let messages = [];
  for (const question of ["How hot must the oven be?", "And for rye?", "Write that down, please.", ATTACK]) {
    messages = [...messages, user(question)];
    const { status, body } = await house.turn(WORK, KEY, messages, manual);
    claim(status === 200, `a turn was answered ${status}: ${JSON.stringify(body)}`);
    messages = [...messages, { role: "assistant", content: body.content }];
  }
  const accepted = await house.turn(PAUSED, STALE, [user("before the token went stale")]);
  claim(accepted.status === 200, `a fresh token was answered ${accepted.status}`);
  await house.order({ expire_in: { token: STALE, seconds: 0 } });
  const refused = await house.turn(PAUSED, STALE, [user("before the token went stale"), user("and after")]);
  claim(refused.status === 401, `a stale token was answered ${refused.status}`);
  await house.turn(HOSTILE, KEY, [user(ATTACK + " long".repeat(4000))]);
  await until(async () => (await house.api("/sessions")).sessions.filter((it) => it.id.startsWith("5e55104a")).length === 3, "sessions");
}

async function emptyPages(house) {
  await look("empty-now", `${house.address}/ui`);
  await look("empty-knowledge", `${house.address}/ui/knowledge`);
  await look("empty-costs", `${house.address}/ui/costs`);
  await look("empty-trace", `${house.address}/ui/trace`);
}

async function usedPages(house) {
  await look("session", `${house.address}/ui/sessions/${WORK}`);
  await look("session-past", `${house.address}/ui/sessions/${PAST}`);
  await look("session-hostile", `${house.address}/ui/sessions/${HOSTILE}`);
  await look("knowledge", `${house.address}/ui/knowledge`);
  await look("knowledge-search", `${house.address}/ui/knowledge?q=oven`);
  await look("knowledge-entry", `${house.address}/ui/knowledge/k5`);
  await look("costs", `${house.address}/ui/costs`);
  await look("trace", `${house.address}/ui/trace`);
  const { rows } = await house.api("/trace?last=4096");
  const sizes = new Map();
  for (const row of rows) sizes.set(row.root, (sizes.get(row.root) ?? 0) + (row.from === "Viewer" ? 0 : 1));
  const [root] = [...sizes].sort((a, b) => b[1] - a[1])[0];
  await look("trace-root", `${house.address}/ui/trace/${root}`);
  await look("now", `${house.address}/ui`);
}

async function keyboard(house) {
  await check("the keyboard reaches a button, presses it, and the page says what came of it", () =>
    visit({ viewport: { width: 1280, height: 860 } }, async (page) => {
      await page.goto(`${house.address}/ui/sessions/${WORK}`);
      await page.keyboard.press("Tab");
      claim((await page.evaluate(() => document.activeElement.className)) === "skip", "the skip link comes first");
      await page.keyboard.press("Enter");
      claim((await page.evaluate(() => document.activeElement.id)) === "main", "it leads to the content");
      for (let step = 0; step < 30; step += 1) {
        await page.keyboard.press("Tab");
        if ((await page.evaluate(() => document.activeElement.textContent)) === "Distil now") break;
      }
      const focused = await page.evaluate(() => [document.activeElement.textContent, getComputedStyle(document.activeElement).outlineWidth]);
      claim(focused[0] === "Distil now" && focused[1] === "3px", `focus is on ${focused}`);
      await Promise.all([page.waitForURL(/said=/), page.keyboard.press("Enter")]);
      const said = await page.locator(".notice").textContent();
      claim(/^(Distilled: [1-9]\d* observations were kept|There was nothing to distil)/.test(said), said);
      await page.screenshot({ path: join(shots, "session-distilled.png") });
    }),
  );
}

async function buttons(house) {
  const press = async (page, name, words) => {
    await Promise.all([page.waitForURL(/said=/), page.getByRole("button", { name, exact: true }).click()]);
    const said = await page.locator(".notice").textContent();
    claim(words.test(said), `${name}: ${said}`);
  };
  await check("every button of a session does what it says", () =>
    visit({}, async (page) => {
      const address = `${house.address}/ui/sessions/${WORK}`;
      for (const [name, words] of [
        ["Curate now", /^(Curated: |There was nothing to curate|It failed)/],
        ["Warm now", /^Warmed: 1 caches were refreshed/],
        ["Stop", /is not kept warm any more/],
        ["Keep", /is kept warm as long as/],
        ["Auto", /The rule decides again/],
      ]) {
        await page.goto(address);
        await press(page, name, words);
      }
    }),
  );
  await check("without a script the pages are complete and the forms work", () =>
    visit({ javaScriptEnabled: false }, async (page) => {
      await page.goto(`${house.address}/ui`);
      claim(await page.locator("#sessions tbody tr").count(), "sessions are there");
      const why = "the provider refused the token";
      claim((await page.locator("#sessions tr", { hasText: PAUSED }).textContent()).includes(why), "and why one is paused");
      await press(page, "Switch all warming off", /^All warming is off/);
      await press(page, "Switch warming on", /^Warming is on again/);
      await page.goto(`${house.address}/ui/knowledge/k1`);
      await page.locator("textarea").fill("Keep the database on a local disk.");
      await Promise.all([page.waitForURL(/said=/), page.getByRole("button", { name: /^Save as version/ }).click()]);
      claim(/^Kept\. Version 3/.test(await page.locator(".notice").textContent()), "an entry is edited");
    }),
  );
}

async function live(house) {
  await check("the live picture moves by itself when somebody speaks", () =>
    visit({ viewport: { width: 1280, height: 1000 } }, async (page) => {
      await page.goto(`${house.address}/ui`);
      await page.getByText("Live: messages are recorded while this page is open.").waitFor();
      const before = await page.locator("#messages").innerHTML();
      await house.turn(WORK, KEY, [user("is anybody watching?")]);
      const moved = () => page.locator("#messages").innerHTML().then((now) => now !== before && now.includes("TurnEnded"));
      await until(moved, "the picture");
      claim((await page.locator("#sessions tbody tr").first().textContent()).includes(WORK), "the session moved up");
      await page.locator("section:has(#live-title)").screenshot({ path: join(shots, "live.png") });
    }),
  );
  await check("a page at rest asks nothing but what keeps its ages true", () =>
    visit({}, async (page) => {
      await page.goto(`${house.address}/ui`);
      await page.getByText("Live:").waitFor();
      // One message is enough to begin a circle of looking and being told of it.
      const before = await page.locator("#messages").innerHTML();
      await house.turn(WORK, KEY, [user("and now for a rest")]);
      await until(() => page.locator("#messages").innerHTML().then((now) => now !== before), "the picture");
      await page.waitForTimeout(3000);
      let asked = 0;
      page.on("request", () => (asked += 1));
      await page.waitForTimeout(6000);
      claim(asked <= 2, `${asked} requests in 6 seconds: looking must not cause what it looks at`);
    }),
  );
}

async function outside(house) {
  const evil = createServer((_, answer) => {
    answer.setHeader("content-type", "text/html");
    answer.end(`<form method="post" action="${house.address}/ui/warming"><input name="on" value="false"></form>
      <script>document.forms[0].submit()</script>`);
  });
  await new Promise((done) => evil.listen(0, "127.0.0.1", done));
  await check("a page of another port cannot send a form, nor be around ours", () =>
    visit({ expectsRefusals: true }, async (page) => {
      const refused = page.waitForResponse((answer) => answer.url().endsWith("/ui/warming"));
      await page.goto(`http://127.0.0.1:${evil.address().port}/`, { waitUntil: "commit" });
      claim((await refused).status() === 403, "refused");
      claim((await house.api("/warming")).on === true, "and nothing was changed");
    }),
  );
  evil.close();
}

async function login() {
  const token = "browser-access-token";
  const open = await House.open([KEY], { STILLROOM_ACCESS__TOKEN: token, listen: "0.0.0.0:0" }).catch((error) => error);
  await check("a gateway that is open to others lets a browser of this machine in by its access token", async () => {
    claim(open instanceof House, String(open));
    await visit({ expectsRefusals: true }, async (page) => {
      const answer = await page.goto(`${open.address}/ui`).catch(() => null);
      claim(answer === null || answer.status() === 401, "asked for the token");
    });
    await visit({ httpCredentials: { username: "me", password: token } }, async (page) => {
      const answer = await page.goto(`${open.address}/ui`);
      claim(answer.status() === 200, `status ${answer.status()}`);
      await page.getByText("Live:").waitFor();
      await Promise.all([page.waitForURL(/said=/), page.getByRole("button", { name: "Switch all warming off" }).click()]);
    });
  });
  if (open instanceof House) await open.end();
}

try {
  const fresh = await House.open([KEY]);
  await emptyPages(fresh);
  await fresh.end();
  const house = await House.open([KEY, STALE], { flags: ["--trace-actors"] }, 60);
  await traffic(house);
  await keyboard(house);
  await buttons(house);
  await usedPages(house);
  await live(house);
  await outside(house);
  await house.end();
  await login();
} catch (error) {
  results.failed += 1;
  console.log(`FAIL  the house\n${error.stack ?? error}`);
} finally {
  await browser.close();
  rmSync(profile, { recursive: true, force: true });
}
console.log(`browser: ${results.passed} passed, ${results.failed} failed`);
process.exit(results.failed === 0 ? 0 : 1);
