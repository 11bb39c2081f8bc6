import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { hello, simulated, startDemo } from './demo.js';

let demo;
before(async () => (demo = await startDemo()));
after(() => demo?.end());

/** Checks that ask fails with the SDK's own error. */
async function fails(ask, type, status, code) {
  await assert.rejects(ask, (e) => {
    assert.ok(e instanceof type, `${e.constructor.name} ${e.message}, want ${type.name}`);
    assert.deepEqual([e.status, e.code ?? null], [status, code]);
    if (code) assert.ok(e.message && e.type && e.requestID);
    return true;
  });
}

for (const [name, row] of Object.entries({
  'wrong key': { options: { apiKey: 'tg_wrong' }, want: [OpenAI.AuthenticationError, 401, 'key_invalid', 1] },
  'nothing left': { key: { budget_limit_cents: 0 }, want: [OpenAI.APIError, 402, 'budget_exceeded', 1] },
  'model not allowed': { key: { allowed_models: ['demo-mini'] }, want: [OpenAI.PermissionDeniedError, 403, 'model_denied', 1] },
  'scope not given': { key: { scopes: ['embeddings.create'] }, want: [OpenAI.PermissionDeniedError, 403, 'scope_denied', 1] },
  'address not allowed': { key: { allowed_ips: ['192.0.2.0/24'] }, want: [OpenAI.PermissionDeniedError, 403, 'ip_denied', 1] },
  'unknown model': { ask: { model: 'no-such-model' }, want: [OpenAI.NotFoundError, 404, 'model_not_found', 1] },
  'no price': { key: { budget_limit_cents: 100 }, ask: { model: 'demo/no-such-model' }, want: [OpenAI.PermissionDeniedError, 403, 'model_unpriced', 1] },
  'wrong field': { ask: { max_tokens: -1 }, want: [OpenAI.BadRequestError, 400, 'invalid_field', 1] },
  "the provider's 400": { simulate: { Fault: 'status=400' }, want: [OpenAI.BadRequestError, 400, null, 1] },
  "the provider's 500": { simulate: { Fault: 'status=500' }, options: { maxRetries: 1 }, want: [OpenAI.InternalServerError, 500, null, 2] },
  'no answer': { simulate: { Fault: 'cut-before' }, options: { maxRetries: 1 }, want: [OpenAI.InternalServerError, 502, 'upstream_unavailable', 2] },
})) {
  for (const stream of [false, true]) {
    test(`${name}${stream ? ', streamed' : ''}`, async () => {
      const { openai, sent } = await demo.client(row.key, row.options);
      const [type, status, code, requests] = row.want;
      await fails(openai.chat.completions.create(hello('demo-large', { stream, ...row.ask }), simulated(row.simulate ?? {})), type, status, code);
      assert.equal(sent.requests, requests);
    });
  }
}

test('a budget that is used up is not asked again', async () => {
  const { openai, sent, key } = await demo.client({ budget_limit_cents: 1 });
  const ask = () => openai.chat.completions.create(hello('demo-large', { max_tokens: 500 }), simulated({ 'Output-Tokens': 500 }));
  const begun = Date.now();
  let answered = 0;
  for (;; answered++) {
    assert.ok(answered <= 10, 'a cent pays for two answers of half a cent');
    try {
      await ask();
    } catch (e) {
      assert.deepEqual([e.status, e.code], [402, 'budget_exceeded']);
      break;
    }
  }
  assert.ok(answered > 0);
  assert.equal(sent.requests, answered + 1);
  assert.equal((await key()).total_requests, answered);
  assert.ok(Number((await key()).total_cost_usd) <= 0.01);
  assert.ok(Date.now() - begun < 5000);
});

test('a rate limit that stays closed for an hour is told at once', async () => {
  const { openai, sent } = await demo.client({ rate_limit_per_hour: 1 });
  await openai.chat.completions.create(hello('demo-mini'));
  await fails(openai.chat.completions.create(hello('demo-mini')), OpenAI.RateLimitError, 429, 'rate_limited');
  assert.equal(sent.requests, 2);
});

for (const [code, fields] of [
  ['concurrency_limited', { concurrent_limit: 1 }],
  ['budget_held', { budget_limit_cents: 1 }],
]) {
  test(`${code}: the SDK waits as Retry-After says, and gets its answer`, async () => {
    const { openai, sent } = await demo.client(fields);
    const ask = hello('demo-large', { max_tokens: 900, stream: true });
    // Its head is here, so it is being answered; the rest takes half a second.
    const first = await openai.chat.completions.create(ask, simulated({ 'Chunk-Delay': '50ms', Chunks: 10 }));
    await fails(openai.chat.completions.create(ask, { maxRetries: 0 }), OpenAI.RateLimitError, 429, code);
    const begun = Date.now();
    const [second] = await Promise.all([
      openai.chat.completions.create(hello('demo-large', { max_tokens: 900 })),
      (async () => {
        for await (const chunk of first) assert.ok(chunk.id);
      })(),
    ]);
    assert.ok(second.choices[0].message.content);
    assert.equal(sent.requests, 4, 'one refused, and one answered');
    assert.ok(Date.now() - begun >= 1000);
  });
}

test("a provider's rate limit is retried", async () => {
  const { openai, sent } = await demo.client({}, { maxRetries: 1 });
  const begun = Date.now();
  await fails(openai.chat.completions.create(hello('demo-mini'), simulated({ Fault: 'status=429' })), OpenAI.RateLimitError, 429, 'rate_limit_exceeded');
  assert.equal(sent.requests, 2);
  assert.ok(Date.now() - begun >= 1000);
});

test('a stream that breaks is an error', async () => {
  const { openai } = await demo.client();
  const stream = await openai.chat.completions.create(hello('demo-mini', { stream: true }), simulated({ Fault: 'cut', 'Output-Tokens': 50 }));
  let chunks = 0;
  await assert.rejects(
    async () => {
      for await (const chunk of stream) chunks += chunk.choices.length;
    },
    (e) => e instanceof OpenAI.APIError && /broke off/.test(e.message),
  );
  assert.ok(chunks > 0);
});
