// The page at /docs in a real browser: it says everything, asks nobody else for
// anything, can be searched, and can be used by everybody.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import AxeBuilder from '@axe-core/playwright';
import { startBrowser, startDemo } from './demo.js';

let demo, browser, operations;

before(async () => {
  [demo, browser] = await Promise.all([startDemo(), startBrowser()]);
  const document = await (await fetch(`${demo.base}/openapi.json`)).json();
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, op]) => ({ ...op, path, method: method.toUpperCase() })));
});

after(async () => {
  await browser?.close();
  await demo?.end();
});

/** Opens the page in a context of its own, and notes everything that goes wrong. */
async function open(options = {}, hash = '') {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on('console', (m) => ['error', 'warning'].includes(m.type()) && wrong.push(m.text()));
  page.on('pageerror', (e) => wrong.push(e.message));
  await page.route('**', (route) => {
    if (route.request().url().startsWith(demo.base)) return route.continue();
    wrong.push(`asked for ${route.request().url()}`);
    return route.abort();
  });
  const answer = await page.goto(`${demo.base}/docs${hash}`, { waitUntil: 'load' });
  return { page, wrong, answer, close: () => context.close() };
}

const visible = (page) => page.locator('article[data-words]:visible').count();

test('the page asks nobody else, and breaks no policy', async () => {
  const { page, wrong, answer, close } = await open();
  assert.match(answer.headers()['content-security-policy'], /default-src 'none'.*script-src 'self'/);
  await page.locator('details').first().click();
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  assert.deepEqual(wrong, []);
  await close();
});

test('inline script, eval and markup from text are forbidden', async () => {
  const { page, close } = await open();
  const ran = await page.evaluate(() => {
    const outcome = {};
    const script = document.createElement('script');
    try { script.textContent = 'globalThis.planted = 1'; document.body.append(script); } catch { /* trusted types */ }
    outcome.inline = globalThis.planted === 1;
    try { document.body.insertAdjacentHTML('beforeend', '<b id="planted"></b>'); } catch { /* trusted types */ }
    outcome.markup = document.getElementById('planted') !== null;
    return outcome;
  });
  assert.deepEqual(ran, { inline: false, markup: false });
  await close();
});

test('every operation is there, with a line for curl to this server', async () => {
  const { page, close } = await open();
  assert.ok(operations.length > 40);
  const shown = await page.evaluate(() => Object.fromEntries([...document.querySelectorAll('article[data-words]')].map((a) => [a.id, a.textContent])));
  assert.equal(Object.keys(shown).length, operations.length);
  for (const op of operations) {
    const text = shown[op.operationId];
    assert.ok(text, op.operationId);
    for (const part of [op.summary, op.path, op.method, `${demo.base}/api/v1/`, ...(op.parameters ?? []).map((p) => p.name)]) {
      assert.ok(text.includes(part), `${op.operationId} lacks ${part}`);
    }
  }
  await close();
});

test('the search narrows the page to what has all words', async () => {
  const { page, close } = await open();
  await page.keyboard.press('/');
  await page.keyboard.type('budget_limit_cents patch');
  const want = operations.filter((op) => op.method === 'PATCH' && JSON.stringify(op.requestBody ?? '').match(/(Key|User|Organization)Input"/)).map((op) => op.operationId);
  await page.waitForFunction((n) => document.querySelectorAll('article[data-words]:not([hidden])').length === n, 3);
  assert.equal(await page.textContent('#found'), '3 operations');
  for (const id of ['update-api-key', 'update-user', 'update-organization']) {
    assert.ok(want.includes(id) && (await page.locator(`#${id}`).isVisible()), id);
    assert.ok(await page.locator(`nav a[href="#${id}"]`).isVisible(), id);
  }
  await page.fill('#query', 'no such thing at all');
  assert.equal(await visible(page), 0);
  assert.ok(await page.locator('.none').isVisible());
  await page.keyboard.press('Escape');
  assert.equal(await visible(page), operations.length);
  await page.fill('#query', 'key_quota_reached');
  assert.ok(await visible(page) >= 1);
  await page.evaluate(() => { location.hash = '#get-organization'; });
  await page.waitForFunction(() => !document.getElementById('get-organization').hidden);
  assert.equal(await page.inputValue('#query'), '', 'a link leads somewhere also while a search hides it');
  await close();
});

test('lines for curl are copied as they are', async () => {
  const { page, close } = await open({ permissions: ['clipboard-read', 'clipboard-write'] }, '#create-api-key');
  await page.locator('#create-api-key .copy').click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.ok(copied.startsWith(`curl ${demo.base}/api/v1/api-keys \\\n`), copied);
  assert.match(copied, /-d '\{"name":"ci"\}'$/);
  await close();
});

test('without script the page says as much', async () => {
  for (const width of [1440, 390]) {
    const { page, wrong, close } = await open({ javaScriptEnabled: false, viewport: { width, height: 900 } });
    assert.equal(await visible(page), operations.length);
    assert.ok(await page.locator('nav a[href="#create-api-key"]').isVisible());
    assert.ok(!(await page.locator('#query').isVisible()), 'a search that does nothing');
    assert.deepEqual(wrong, []);
    await close();
  }
});

test('the menu of small screens opens, and closes where one goes', async () => {
  const { page, close } = await open({ viewport: { width: 390, height: 844 } });
  const menu = page.locator('#menu');
  assert.equal(await menu.getAttribute('aria-expanded'), 'false');
  assert.ok(!(await page.locator('nav').isVisible()));
  await menu.click();
  assert.equal(await menu.getAttribute('aria-expanded'), 'true');
  await page.locator('nav a[href="#create-user"]').click();
  assert.ok(!(await page.locator('nav').isVisible()));
  assert.ok(await page.locator('#create-user-title').isVisible());
  await close();
});

test('nothing is cut off on a narrow screen', async () => {
  const { page, close } = await open({ viewport: { width: 320, height: 700 } });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(wide, 0);
  await close();
});

test('the keyboard skips to the content', async () => {
  const { page, close } = await open();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  await close();
});

for (const [name, options] of Object.entries({
  light: {}, dark: { colorScheme: 'dark' }, small: { viewport: { width: 390, height: 844 } },
})) {
  test(`axe finds nothing to mend: ${name}`, async () => {
    const { page, close } = await open(options);
    // One operation and one type in ten stand for the others, which are made alike;
    // what is not on the screen is not drawn, and so would not be looked at.
    await page.evaluate(() => document.querySelectorAll('article').forEach((a, i) => {
      if (i % 10 === 1) a.style.contentVisibility = 'visible';
      else a.remove();
    }));
    assert.ok(await page.locator('article').count() >= 8);
    const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze();
    assert.deepEqual(violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.target).join(' ')}`), []);
    await close();
  });
}

test('the page is small and soon there', async (t) => {
  const { page, close } = await open();
  const figures = await page.evaluate(() => {
    const nav = performance.getEntriesByType('navigation')[0];
    const files = performance.getEntriesByType('resource');
    return {
      bytes: nav.transferSize + files.reduce((n, f) => n + f.transferSize, 0),
      requests: 1 + files.length,
      ready_ms: Math.round(nav.domContentLoadedEventEnd),
    };
  });
  t.diagnostic(JSON.stringify(figures));
  assert.ok(figures.bytes < 150_000, `${figures.bytes} bytes`);
  assert.ok(figures.requests <= 4, `${figures.requests} requests`);
  await close();
});
