import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ApiError, GoogleGenAI } from '@google/genai';
import { simulated, startDemo } from './demo.js';

let demo;
before(async () => (demo = await startDemo()));
after(() => demo?.end());

/** Google's SDK with a key of its own. */
async function gemini(fields, how = {}, options = {}) {
  const issued = await demo.issue(fields);
  const ai = new GoogleGenAI({
    apiKey: options.apiKey ?? issued.secret,
    httpOptions: { baseUrl: demo.base, fetch: issued.fetch, ...simulated(how), ...options.http },
  });
  return { ai, ...issued };
}

/** What a stream or an answer brought: its last usage, all its parts. */
async function heard(answer) {
  const seen = { parts: [], chunks: 0 };
  for await (const chunk of answer) {
    seen.chunks++;
    seen.usage = chunk.usageMetadata ?? seen.usage;
    for (const { content, finishReason } of chunk.candidates ?? []) {
      seen.parts.push(...(content?.parts ?? []));
      seen.reason = finishReason ?? seen.reason;
    }
  }
  return seen;
}

async function ask(ai, stream, more = {}) {
  const params = { model: 'demo-large', contents: 'Hello', ...more };
  return heard(stream ? await ai.models.generateContentStream(params) : [await ai.models.generateContent(params)]);
}

/** Checks the entry against the usage that the SDK shows: $2.50 and $10 a million. */
async function booked(row, usage) {
  const entry = await row();
  const output = (usage.candidatesTokenCount ?? 0) + (usage.thoughtsTokenCount ?? 0);
  assert.deepEqual(
    [entry.outcome, entry.api_format, entry.input_tokens + entry.cache_read_tokens, entry.output_tokens, entry.reasoning_tokens],
    ['settled', 'gemini', usage.promptTokenCount, output, usage.thoughtsTokenCount ?? 0],
  );
  assert.equal(BigInt(Math.round(Number(entry.cost_usd) * 1e9)), BigInt(2500 * usage.promptTokenCount + 10_000 * output));
}

const tools = [{ functionDeclarations: [{ name: 'get_weather', parametersJsonSchema: { type: 'object' } }] }];

for (const [name, { config, how, check }] of Object.entries({
  text: { how: { 'Output-Tokens': 12 } },
  thoughts: {
    config: { thinkingConfig: { thinkingBudget: 1024, includeThoughts: true } },
    how: { 'Reasoning-Tokens': 30 },
    check: ({ parts, usage }) => {
      assert.ok(parts[0].thought);
      assert.equal(usage.thoughtsTokenCount, 30);
    },
  },
  cached: { how: { 'Input-Tokens': 9000, 'Cached-Tokens': 6001 } },
  tools: {
    config: { tools },
    how: { Tool: 'get_weather', 'Tool-Calls': 2 },
    check: ({ parts }) => {
      const calls = parts.filter((part) => part.functionCall);
      assert.equal(calls.length, 2);
      for (const { functionCall } of calls) assert.equal(typeof functionCall.args.text, 'string');
    },
  },
  'system and cap': {
    config: { systemInstruction: 'You are terse.', maxOutputTokens: 20, candidateCount: 2 },
    how: { 'Output-Tokens': 500 },
    check: ({ reason, usage }) => assert.deepEqual([reason, usage.candidatesTokenCount], ['MAX_TOKENS', 40]),
  },
})) {
  for (const stream of [false, true]) {
    test(`gemini: ${name}${stream ? ', streamed' : ''}`, async () => {
      const { ai, row } = await gemini({ budget_limit_cents: 100 }, how);
      const seen = await ask(ai, stream, { config });
      assert.ok(seen.parts.length && seen.reason);
      assert.equal(seen.chunks > 1, stream);
      check?.(seen);
      await booked(row, seen.usage);
    });
  }
}

test('gemini: a chat sends back what came', async () => {
  const { ai } = await gemini({ budget_limit_cents: 100 }, { Tool: 'get_weather' });
  const chat = ai.chats.create({ model: 'demo-mini', config: { tools } });
  const answer = await chat.sendMessage({ message: [{ text: 'The weather?' }, { inlineData: { mimeType: 'image/png', data: 'iVBORw0KGgo=' } }] });
  assert.equal(answer.functionCalls.length, 1);
  await chat.sendMessage({ message: [{ functionResponse: { name: 'get_weather', response: { sky: 'blue' } } }] });
});

test('gemini: counts, embeddings and models', async () => {
  const { ai, key } = await gemini({ budget_limit_cents: 100, allowed_models: ['demo-*'] });
  assert.ok((await ai.models.countTokens({ model: 'demo-mini', contents: 'Hello there' })).totalTokens > 0);
  assert.equal((await key()).total_tokens, 0);
  const { embeddings } = await ai.models.embedContent({ model: 'demo-embed', contents: ['one', 'two'] });
  assert.equal(embeddings.length, 2);
  assert.ok(embeddings[1].values.length);
  assert.ok((await key()).total_tokens > 0);
  const names = [];
  for await (const model of await ai.models.list({ config: { pageSize: 2 } })) names.push(model.name);
  assert.deepEqual(names.sort(), ['models/demo-embed', 'models/demo-large', 'models/demo-mini']);
  assert.equal((await ai.models.get({ model: 'demo-mini' })).name, 'models/demo-mini');
});

for (const [name, row] of Object.entries({
  'wrong key': { options: { apiKey: 'tg_wrong' }, want: [401, 'UNAUTHENTICATED', 'KEY_INVALID'] },
  'nothing left': { key: { budget_limit_cents: 0 }, want: [402, 'FAILED_PRECONDITION', 'BUDGET_EXCEEDED'] },
  'model not allowed': { key: { allowed_models: ['demo-mini'] }, want: [403, 'PERMISSION_DENIED', 'MODEL_DENIED'] },
  'unknown model': { ask: { model: 'no-such-model' }, want: [404, 'NOT_FOUND', 'MODEL_NOT_FOUND'] },
  'wrong field': { ask: { config: { maxOutputTokens: -1 } }, want: [400, 'INVALID_ARGUMENT', 'INVALID_FIELD'] },
  "the provider's 503": { how: { Fault: 'status=503' }, want: [503, 'UNAVAILABLE'] },
  'no answer': { how: { Fault: 'cut-before' }, want: [502, 'UNAVAILABLE', 'UPSTREAM_UNAVAILABLE'] },
})) {
  for (const stream of [false, true]) {
    test(`gemini: ${name}${stream ? ', streamed' : ''}`, async () => {
      const { ai, sent } = await gemini(row.key, row.how, row.options);
      await assert.rejects(ask(ai, stream, row.ask), (e) => {
        assert.ok(e instanceof ApiError, `${e.constructor.name} ${e.message}`);
        const { error } = JSON.parse(e.message); // which is how the SDK shows it
        assert.deepEqual([e.status, error.status, error.details?.[0].reason], [row.want[0], row.want[1], row.want[2]]);
        return true;
      });
      assert.equal(sent.requests, 1);
    });
  }
}

test('gemini: retries, and gets its answer', async () => {
  const issued = await demo.issue({ concurrent_limit: 1 });
  const client = (how, more) =>
    new GoogleGenAI({ apiKey: issued.secret, httpOptions: { baseUrl: demo.base, fetch: issued.fetch, ...simulated(how), ...more } });
  const first = await client({ 'Chunk-Delay': '50ms', Chunks: 10 }).models.generateContentStream({ model: 'demo-mini', contents: 'Hello' });
  const [second] = await Promise.all([
    client({}, { retryOptions: { attempts: 5 } }).models.generateContent({ model: 'demo-mini', contents: 'Hello' }),
    heard(first),
  ]);
  assert.ok(second.text);
  assert.ok(issued.sent.requests >= 3);
});

for (const [fault, want] of [
  ['cut', /broke off/],
  ['error-mid', /overloaded/i],
]) {
  test(`gemini: a stream that breaks (${fault}) is an error`, async () => {
    const { ai } = await gemini({}, { Fault: fault, 'Output-Tokens': 50 });
    const stream = await ai.models.generateContentStream({ model: 'demo-mini', contents: 'Hello' });
    let chunks = 0;
    await assert.rejects(
      async () => {
        for await (const chunk of stream) chunks += chunk.candidates.length;
      },
      (e) => e instanceof ApiError && want.test(e.message),
    );
    assert.ok(chunks > 0);
  });
}
