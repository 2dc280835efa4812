// Opens a report in headless Chromium, as a reader would: filters, sorts, changes the theme, prints. Any error of the
// page and any request fails it. `tools/report/test` calls it; ZKWATT_REPORT_TEST has lines of the report, of Chromium,
// of a directory for screenshots, which may be empty, and
// `example` if it is of our example's records, of which more is known.
import assert from "node:assert/strict";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { after, before, test } from "node:test";
import puppeteer from "puppeteer-core";

const [report, chromium, shots, isExample] = process.env.ZKWATT_REPORT_TEST.split("\n");
const address = pathToFileURL(resolve(report)).href;
const desktop = { width: 1440, height: 900 };
const phone = { width: 390, height: 844, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
let browser;

before(async () => {
  // As root, which containers often are, Chromium has no sandbox.
  const args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"];
  browser = await puppeteer.launch({ executablePath: chromium, headless: true, args });
});
after(() => browser?.close());

// Runs `steps` on a freshly opened report, and then asks what went wrong meanwhile.
async function reading(viewport, features, steps) {
  const context = await browser.createBrowserContext();
  try {
    const page = await context.newPage();
    const wrong = [];
    page.on("console", (message) => ["error", "warn", "assert"].includes(message.type()) && wrong.push(message.text()));
    page.on("pageerror", (error) => wrong.push(String(error)));
    page.on("dialog", (dialog) => (wrong.push(`a dialog: ${dialog.message()}`), dialog.dismiss()));
    page.on("request", (request) => /^(data|blob):/.test(request.url()) || request.url() === address || wrong.push(request.url()));
    await page.setViewport(viewport);
    await page.emulateMediaFeatures(features);
    await page.goto(address, { waitUntil: "load" });
    await drawn(page);
    await steps(page);
    assert.deepEqual(wrong, []);
  } finally {
    await context.close();
  }
}

const light = [{ name: "prefers-color-scheme", value: "light" }];
const dark = [{ name: "prefers-color-scheme", value: "dark" }];
const count = (page, selector) => page.$$eval(selector, (found) => found.filter((one) => one.checkVisibility()).length);
const theme = (page) => page.$eval("html", (root) => root.dataset.theme);
const background = (page) => page.$eval("body", () => getComputedStyle(document.documentElement).backgroundColor);

// Scrolls through, so that every plot was seen once, and waits until all are drawn.
async function drawn(page) {
  await page.evaluate(async () => {
    for (const figure of document.querySelectorAll("figure[data-plot]")) {
      figure.scrollIntoView({ behavior: "instant", block: "center" });
      await new Promise((done) => setTimeout(done, 20));
    }
    scrollTo({ top: 0, behavior: "instant" });
  });
  await page.waitForFunction(() =>
    [...document.querySelectorAll("figure[data-plot]:not([hidden]) .plot")].every((plot) => plot.querySelector(".main-svg")),
  );
}

async function shoot(page, name, clip) {
  if (shots) await page.screenshot({ path: join(shots, `${name}.png`), fullPage: !clip });
}

test("every plot is drawn, and its data are in a table too", () =>
  reading(desktop, light, async (page) => {
    assert.ok((await count(page, "figure")) >= (isExample ? 10 : 1));
    assert.equal(await count(page, "figure"), await count(page, "figure .main-svg:first-child"));
    const without = await page.$$eval("figure", (all) => all.filter((one) => !one.querySelector("details tbody td")).length);
    assert.equal(without, 0);
    if (isExample) assert.match(await page.$eval("#crossover", (section) => section.textContent), /from 2\^\d+\.\d on \(interpolated\)/);
    await shoot(page, "desktop-light");
    await shoot(page, "desktop-first-view", true);
    for (const section of shots ? await page.$$("main > section") : [])
      await section.screenshot({ path: join(shots, `section-${await section.evaluate((one) => one.id)}.png`) });
  }));

test("filters by device, operation and implementation", () =>
  reading(desktop, light, async (page) => {
    const all = await count(page, "#records tbody tr");
    const op = isExample ? "prove" : await page.$eval("input[name=op]", (box) => box.value);
    await page.click(`input[name="op"][value="${op}"]`);
    const without = await count(page, "#records tbody tr");
    assert.ok(without < all);
    assert.equal(await count(page, `#records tbody tr[data-op="${op}"]`), 0);
    assert.equal(await count(page, `figure[data-op="${op}"]`), 0);
    assert.match(await page.$eval("#shown", (shown) => shown.textContent), new RegExp(`^${without} of ${all} records$`));
    const gpu = isExample ? "Example GPU A (cuda)" : await page.$eval("input[name=device]", (box) => box.value);
    await page.click(`input[name="device"][value="${gpu}"]`);
    assert.equal(await count(page, `#records tbody tr[data-device="${gpu}"]`), 0);
    if (!isExample) return;
    assert.ok(!(await page.$eval("#throughput .legend", (legend) => legend.textContent)).includes(gpu));
    // A cell of the overview is blank without its device, and stays in its column.
    const best = `#overview td[data-device="${gpu}"]`;
    assert.ok((await page.$$(best)).length > 0);
    assert.equal(await count(page, `${best} > span`), 0);
    assert.ok((await count(page, best)) > 0);
    assert.ok((await count(page, "#overview td[data-device] > span")) > 0);
    assert.ok((await count(page, "#overview td[data-peer] > span")) > 0);
    await page.click('input[name="peers"]');
    assert.equal(await count(page, "#records tbody tr[data-peer]"), 0);
    assert.equal(await count(page, "#overview td[data-peer] > span"), 0);
    const roofs = () => page.$eval("#roofline .legend", (legend) => legend.textContent);
    assert.match(await roofs(), /msm_g2/);
    await page.click('input[name="op"][value="msm_g2"]');
    assert.doesNotMatch(await roofs(), /msm_g2/);
    assert.match(await roofs(), /ntt/);
    assert.equal(await count(page, '#overview tr[data-op="msm_g2"]'), 0);
    await page.click('#filter button[type="reset"]');
    await page.waitForFunction((all) => document.getElementById("shown").textContent === `all ${all} records`, {}, all);
    assert.equal(await count(page, "#records tbody tr"), all);
    assert.equal(await count(page, "#overview td[data-device] > span"), (await page.$$("#overview td[data-device]")).length);
    for (const box of await page.$$('input[name="device"]')) await box.click();
    assert.equal(await count(page, "figure"), 0);
    assert.equal(await count(page, "#overview tbody tr"), 0);
  }));

test("sorts by any column, also by the keyboard", () =>
  reading(desktop, light, async (page) => {
    const column = await page.$$eval("#records th", (heads) => heads.findIndex((head) => head.textContent === "per second"));
    const values = () =>
      page.$$eval("#records tbody tr", (rows, column) => rows.map((row) => row.cells[column].dataset.value ?? ""), column);
    const known = (all) => all.filter((value) => value !== "").map(Number);
    const heads = await page.$$("#records th button");
    await heads[column].click();
    const down = await values();
    assert.deepEqual(known(down), known(down).toSorted((a, b) => b - a));
    // What has no value is last.
    assert.ok(!down.includes("") || down.indexOf("") === known(down).length);
    await heads[column].focus();
    await page.keyboard.press("Enter");
    assert.deepEqual(known(await values()), known(down).toSorted((a, b) => a - b));
    assert.equal((await values()).at(-1) === "", down.includes(""));
    const sorted = await page.$$eval("#records th", (all) => all.map((head) => head.getAttribute("aria-sort")));
    assert.equal(sorted[column], "ascending");
    assert.equal(sorted.filter((order) => order !== "none").length, 1);
  }));

test("follows the system's theme until one is chosen", async () => {
  await reading(desktop, dark, async (page) => {
    assert.equal(await theme(page), "dark");
    const night = await background(page);
    await shoot(page, "desktop-dark");
    await page.click("#theme");
    assert.equal(await theme(page), "light");
    assert.notEqual(await background(page), night);
    await page.click("#theme");
    assert.equal(await theme(page), "dark");
    await page.click("#theme");
    await page.emulateMediaFeatures(light);
    await page.waitForFunction(() => document.documentElement.dataset.theme === "light");
  });
});

test("is readable on a telephone", () =>
  reading(phone, light, async (page) => {
    const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(inner <= outer, `the page is ${inner} wide on ${outer}`);
    const wide = await page.$$eval("figure .plot", (plots) => plots.filter((plot) => plot.getBoundingClientRect().right > innerWidth).length);
    assert.equal(wide, 0);
    await shoot(page, "phone-light");
    await shoot(page, "phone-first-view", true);
    await page.click("#theme");
    await page.click("#theme");
    await shoot(page, "phone-dark");
  }));

test("prints on white paper", () =>
  reading(desktop, dark, async (page) => {
    const wide = await page.$eval("#phases-0 .main-svg", (plot) => plot.getBoundingClientRect().width);
    const asked = page.evaluate(() => new Promise((done) => addEventListener("beforeprint", () => setTimeout(() => {
      const widest = Math.max(...[...document.querySelectorAll(".main-svg")].map((plot) => plot.getAttribute("width")));
      done([document.documentElement.dataset.theme, widest]);
    }))));
    await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
    assert.deepEqual(await asked, ["light", 640]);
    await page.evaluate(() => dispatchEvent(new Event("afterprint")));
    assert.equal(await theme(page), "dark");
    await page.waitForFunction((wide) => document.querySelector("#phases-0 .main-svg").getBoundingClientRect().width === wide, {}, wide);
    await page.pdf({ path: shots ? join(shots, "print.pdf") : undefined, format: "A4" });
  }));

test("names every control, and text has contrast", () =>
  reading(desktop, light, async (page) => {
    for (const chosen of ["light", "dark"]) {
      await page.click("#theme");
      assert.equal(await theme(page), chosen);
      const faint = await page.evaluate(() => {
        const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
        const rgb = (colour) => {
          canvas.clearRect(0, 0, 1, 1);
          canvas.fillStyle = colour;
          canvas.fillRect(0, 0, 1, 1);
          return [...canvas.getImageData(0, 0, 1, 1).data];
        };
        const light = ([r, g, b]) => {
          const linear = [r, g, b].map((c) => ((c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
          return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
        };
        const behind = (element) => {
          for (let one = element; one; one = one.parentElement) {
            const colour = rgb(getComputedStyle(one).backgroundColor);
            if (colour[3] === 255) return colour;
          }
          return [255, 255, 255, 255];
        };
        const found = new Set();
        for (const element of document.querySelectorAll("body *:not(svg *)")) {
          const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
          if (!own || !element.checkVisibility()) continue;
          const [a, b] = [light(rgb(getComputedStyle(element).color)), light(behind(element))];
          const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
          if (contrast < 4.5) found.add(`${element.tagName}.${element.className} ${contrast.toFixed(2)}`);
        }
        return [...found];
      });
      assert.deepEqual(faint, [], chosen);
    }
    const nameless = await page.$$eval("button, input, [role=region], [role=img], nav", (all) =>
      all.filter((one) => !(one.getAttribute("aria-label") ?? one.closest("label")?.textContent ?? one.textContent).trim()).length,
    );
    assert.equal(nameless, 0);
    assert.deepEqual(await page.$$eval("h1, h2", (all) => all.map((one) => one.tagName)).then((tags) => tags.indexOf("H1")), 0);
  }));

test("what a record calls itself is text", { skip: !isExample }, () =>
  reading(desktop, light, async (page) => {
    assert.equal(await page.$$eval("img, b[onmouseover], script[src], td a, .legend a, svg a", (found) => found.length), 0);
    assert.ok((await page.$eval("#records", (records) => records.textContent)).includes("<img src=x onerror=alert(1)>"));
    assert.match(await page.$eval("#notes", (notes) => notes.textContent), /example\.jsonl:\d+: .*the line is skipped/);
  }));
