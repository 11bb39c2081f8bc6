import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { simulated, startDemo } from './demo.js';

let demo;
before(async () => (demo = await startDemo()));
after(() => demo?.end());

/** Anthropic's SDK with a key of its own. */
async function claude(fields, options) {
  const issued = await demo.issue(fields);
  const anthropic = new Anthropic({ baseURL: demo.base, apiKey: issued.secret, fetch: issued.fetch, ...options });
  return { anthropic, ...issued };
}

const question = (more = {}) => ({
  model: 'demo-large',
  max_tokens: 2000,
  system: 'You are terse.',
  messages: [{ role: 'user', content: 'Hello' }],
  ...more,
});

const tools = [{ name: 'get_weather', input_schema: { type: 'object', properties: { text: { type: 'string' } } } }];

/** Checks the entry against the usage that the SDK shows: $2.50 and $10 a million. */
async function booked(row, usage) {
  const entry = await row();
  const read = usage.input_tokens + usage.cache_read_input_tokens + usage.cache_creation_input_tokens;
  assert.deepEqual(
    [entry.outcome, entry.api_format, entry.input_tokens + entry.cache_read_tokens + entry.cache_write_tokens, entry.output_tokens],
    ['settled', 'anthropic', read, usage.output_tokens],
  );
  assert.equal(BigInt(Math.round(Number(entry.cost_usd) * 1e9)), BigInt(2500 * read + 10_000 * usage.output_tokens));
}

for (const [name, { ask, how, check }] of Object.entries({
  text: { how: { 'Output-Tokens': 12 } },
  thinking: {
    ask: { thinking: { type: 'enabled', budget_tokens: 1024 } },
    how: { 'Reasoning-Tokens': 30 },
    check: ({ content, usage }) => {
      assert.equal(content[0].type, 'thinking');
      assert.ok(content[0].signature);
      assert.equal(usage.output_tokens_details.thinking_tokens, 30);
    },
  },
  cached: { how: { 'Input-Tokens': 9000, 'Cached-Tokens': 6001, 'Cache-Write-Tokens': 1503, 'Cache-Write-1h-Tokens': 1001 } },
  tools: {
    ask: { tools },
    how: { Tool: 'get_weather', 'Tool-Calls': 2 },
    check: ({ content, stop_reason }) => {
      assert.equal(stop_reason, 'tool_use');
      const calls = content.filter((block) => block.type === 'tool_use');
      assert.equal(calls.length, 2);
      for (const call of calls) assert.equal(typeof call.input.text, 'string');
    },
  },
  novelties: { how: { Fault: 'novelties' } },
  'the cap': { ask: { max_tokens: 20 }, how: { 'Output-Tokens': 500 }, check: ({ stop_reason }) => assert.equal(stop_reason, 'max_tokens') },
})) {
  for (const stream of [false, true]) {
    test(`claude: ${name}${stream ? ', streamed' : ''}`, async () => {
      const { anthropic, row } = await claude({ budget_limit_cents: 100 });
      let answer;
      if (stream) {
        answer = await anthropic.messages.stream(question(ask), simulated(how)).finalMessage();
      } else {
        const { data, response, request_id } = await anthropic.messages.create(question(ask), simulated(how)).withResponse();
        answer = data;
        assert.ok(request_id);
        assert.ok(Number(response.headers.get('x-tollgate-cost-usd')) > 0);
      }
      assert.ok(answer.id && answer.content.length && answer.stop_reason);
      check?.(answer);
      await booked(row, answer.usage);
    });
  }
}

test('claude: what came is sent back', async () => {
  const { anthropic } = await claude({ budget_limit_cents: 100 });
  const ask = question({ tools, thinking: { type: 'enabled', budget_tokens: 1024 } });
  const { content } = await anthropic.messages.create(ask, simulated({ Tool: 'get_weather', 'Reasoning-Tokens': 9 }));
  const call = content.find((block) => block.type === 'tool_use');
  ask.messages.push(
    { role: 'assistant', content },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: [{ type: 'text', text: 'sunny' }] }] },
  );
  assert.ok((await anthropic.messages.create(ask)).content.length);
});

test('claude: only the environment is changed', async () => {
  const { secret } = await demo.issue();
  for (const name of ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN']) {
    process.env.ANTHROPIC_BASE_URL = `${demo.base}/anthropic`;
    process.env[name] = secret;
    try {
      assert.ok((await new Anthropic().messages.create(question())).content.length, name);
    } finally {
      delete process.env.ANTHROPIC_BASE_URL;
      delete process.env[name];
    }
  }
});

test('claude: betas, counts and models', async () => {
  const { anthropic, key } = await claude({ budget_limit_cents: 0, allowed_models: ['demo-mini', 'demo-large'] });
  const count = await anthropic.messages.countTokens({ model: 'demo-mini', messages: question().messages });
  assert.ok(count.input_tokens > 0);
  assert.equal((await key()).total_tokens, 0);
  const names = [];
  for await (const model of anthropic.models.list({ limit: 1 })) names.push(model.id);
  assert.deepEqual(names.sort(), ['demo-large', 'demo-mini']);
  assert.equal((await anthropic.models.retrieve('demo-mini')).type, 'model');
  const { anthropic: free } = await claude();
  assert.ok((await free.beta.messages.create({ ...question(), betas: ['context-1m-2025-08-07'] })).content.length);
});

for (const [name, row] of Object.entries({
  'wrong key': { options: { apiKey: 'tg_wrong' }, want: [Anthropic.AuthenticationError, 401, 'authentication_error', 1] },
  'nothing left': { key: { budget_limit_cents: 0 }, want: [Anthropic.APIError, 402, 'billing_error', 1] },
  'model not allowed': { key: { allowed_models: ['demo-mini'] }, want: [Anthropic.PermissionDeniedError, 403, 'permission_error', 1] },
  'unknown model': { ask: { model: 'no-such-model' }, want: [Anthropic.NotFoundError, 404, 'not_found_error', 1] },
  'wrong field': { ask: { max_tokens: -1 }, want: [Anthropic.BadRequestError, 400, 'invalid_request_error', 1] },
  "the provider's 400": { ask: { thinking: { type: 'enabled', budget_tokens: 5 } }, want: [Anthropic.BadRequestError, 400, 'invalid_request_error', 1] },
  "the provider's 529": { simulate: { Fault: 'status=529' }, options: { maxRetries: 1 }, want: [Anthropic.InternalServerError, 529, 'overloaded_error', 2] },
  'no answer': { simulate: { Fault: 'cut-before' }, options: { maxRetries: 1 }, want: [Anthropic.InternalServerError, 502, 'api_error', 2] },
})) {
  for (const stream of [false, true]) {
    test(`claude: ${name}${stream ? ', streamed' : ''}`, async () => {
      const { anthropic, sent } = await claude(row.key, row.options);
      const [type, status, kind, requests] = row.want;
      await assert.rejects(anthropic.messages.create(question({ stream, ...row.ask }), simulated(row.simulate ?? {})), (e) => {
        assert.ok(e instanceof type, `${e.constructor.name} ${e.message}, want ${type.name}`);
        assert.deepEqual([e.status, e.error.error.type], [status, kind]);
        assert.ok(e.requestID);
        return true;
      });
      assert.equal(sent.requests, requests);
    });
  }
}

test('claude: waits as Retry-After says, and gets its answer', async () => {
  const { anthropic, sent } = await claude({ concurrent_limit: 1 });
  const first = await anthropic.messages.create(question({ stream: true }), simulated({ 'Chunk-Delay': '50ms', Chunks: 10 }));
  const begun = Date.now();
  const [second] = await Promise.all([
    anthropic.messages.create(question()),
    (async () => {
      for await (const event of first) assert.ok(event.type);
    })(),
  ]);
  assert.ok(second.content.length);
  assert.equal(sent.requests, 3, 'one refused, and one answered');
  assert.ok(Date.now() - begun >= 1000);
});

for (const [fault, want] of [
  ['cut', /broke off/],
  ['error-mid', /overloaded/i],
]) {
  test(`claude: a stream that breaks (${fault}) is an error`, async () => {
    const { anthropic } = await claude();
    const stream = await anthropic.messages.create(question({ stream: true }), simulated({ Fault: fault, 'Output-Tokens': 50 }));
    let events = 0;
    await assert.rejects(
      async () => {
        for await (const event of stream) events += event.type.length;
      },
      (e) => e instanceof Anthropic.APIError && want.test(e.message),
    );
    assert.ok(events > 0);
  });
}
