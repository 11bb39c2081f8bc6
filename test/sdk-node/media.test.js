// OpenAI's SDK asks for what is no chat, and Cohere's for what is none: Responses,
// moderations, pictures, sound, embeddings, rankings. Each entry is what was billed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CohereClientV2 } from 'cohere-ai';
import OpenAI, { toFile } from 'openai';
import { startGate } from './gate.js';

let gate;
before(async () => (gate = await startGate()));
after(() => gate?.end());

async function openai(how = {}) {
  const issued = await gate.issue({ budget_limit_cents: 500 }, how);
  return { ...issued, client: new OpenAI({ baseURL: `${gate.base}/v1`, apiKey: issued.secret, fetch: issued.fetch }) };
}

async function cohere(how = {}) {
  const issued = await gate.issue({ budget_limit_cents: 500 }, how);
  return { ...issued, client: new CohereClientV2({ environment: gate.base, token: issued.secret, fetch: issued.fetch }) };
}

/** The only entry of a key: its tokens, and its cost in nano-dollars. */
async function booked(row, endpoint, input, output, nano) {
  const entry = await row();
  assert.deepEqual(
    [entry.outcome, entry.endpoint, entry.input_tokens + entry.cache_read_tokens, entry.output_tokens],
    ['settled', endpoint, input, output],
  );
  assert.equal(Math.round(Number(entry.cost_usd) * 1e9), nano);
  return entry;
}

const mini = ({ input_tokens, output_tokens }) => 250 * input_tokens + 2000 * output_tokens;

test('a response', async () => {
  const { client, row } = await openai({ 'Output-Tokens': 12 });
  const answer = await client.responses.create({ model: 'gpt-5-mini', instructions: 'Be brief.', input: 'Hello' });
  assert.ok(answer.output_text);
  await booked(row, '/v1/responses', answer.usage.input_tokens, 12, mini(answer.usage));
});

test('a response, streamed', async () => {
  const { client, row } = await openai({ 'Output-Tokens': 12, Chunks: 4 });
  const stream = client.responses.stream({ model: 'gpt-5-mini', input: 'Hello' });
  let pieces = 0;
  for await (const event of stream) if (event.type === 'response.output_text.delta') pieces++;
  const answer = await stream.finalResponse();
  assert.ok(answer.output_text && pieces > 1);
  await booked(row, '/v1/responses', answer.usage.input_tokens, 12, mini(answer.usage));
});

test('a response with a tool', async () => {
  const { client, row } = await openai({ Tool: 'get_weather' });
  const tools = [{ type: 'function', name: 'get_weather', strict: false, parameters: { type: 'object', properties: {} } }];
  const answer = await client.responses.create({ model: 'gpt-5-mini', input: 'The weather?', tools });
  const call = answer.output.find(({ type }) => type === 'function_call');
  assert.equal(call.name, 'get_weather');
  assert.ok(JSON.parse(call.arguments));
  await booked(row, '/v1/responses', answer.usage.input_tokens, answer.usage.output_tokens, mini(answer.usage));
});

test('a response that is refused', async () => {
  const { client, sent } = await openai();
  await assert.rejects(client.responses.create({ model: 'gpt-5-mini', input: 'Hello', background: true }), (e) => {
    assert.ok(e instanceof OpenAI.BadRequestError);
    assert.equal(e.code, 'invalid_field');
    return true;
  });
  assert.equal(sent.requests, 1);
});

test('a moderation', async () => {
  const { client, row } = await openai();
  const { results } = await client.moderations.create({ input: ['Hello', 'Good bye'] });
  assert.deepEqual(results.map(({ flagged }) => flagged), [false, false]);
  await booked(row, '/v1/moderations', 0, 0, 0);
});

test('a picture', async () => {
  const { client, row } = await openai();
  const { data, usage } = await client.images.generate({ model: 'gpt-image-1', prompt: 'A cat', quality: 'low' });
  assert.ok(data[0].b64_json);
  await booked(row, '/v1/images/generations', usage.input_tokens, usage.output_tokens, 5000 * usage.input_tokens + 40_000 * usage.output_tokens);
});

test('pictures by the picture', async () => {
  const { client, row } = await openai();
  await client.images.generate({ model: 'dall-e-3', prompt: 'A cat', quality: 'hd', size: '1024x1792' });
  const entry = await booked(row, '/v1/images/generations', 0, 0, 120_000_000);
  assert.equal(entry.images, 1);
});

test('a picture, edited', async () => {
  const { client, row } = await openai();
  const image = await toFile(Buffer.from('a picture'), 'a b.png', { type: 'image/png' });
  const { usage } = await client.images.edit({ model: 'openai/gpt-image-1', image: [image, image], prompt: 'With a hat' });
  await booked(row, '/v1/images/edits', usage.input_tokens, usage.output_tokens, 5000 * usage.input_tokens + 40_000 * usage.output_tokens);
});

test('speech', async () => {
  const { client, row } = await openai();
  const answer = await client.audio.speech.create({ model: 'tts-1', voice: 'alloy', input: 'Hello, Zoë' });
  assert.ok((await answer.arrayBuffer()).byteLength > 0);
  const entry = await row();
  assert.deepEqual([entry.outcome, entry.characters, Number(entry.cost_usd)], ['settled', 10, 0.00015]);
});

test('a transcription', async () => {
  const { client, row } = await openai();
  const file = await toFile(Buffer.from('ID3 sound'), 'sound.mp3');
  const { text, usage } = await client.audio.transcriptions.create({ model: 'gpt-4o-transcribe', file });
  assert.ok(text);
  await booked(row, '/v1/audio/transcriptions', usage.input_tokens, usage.output_tokens, 2500 * usage.input_tokens + 10_000 * usage.output_tokens);
});

test('a transcription by the second', async () => {
  const { client, row } = await openai();
  const file = await toFile(Buffer.from('ID3 sound'), 'sound.mp3');
  const { text } = await client.audio.transcriptions.create({ model: 'whisper-1', file });
  const entry = await row();
  assert.ok(text);
  assert.ok(entry.seconds > 0);
  assert.deepEqual([entry.outcome, Math.round(Number(entry.cost_usd) * 1e9)], ['settled', 100_000 * entry.seconds]);
});

test("Cohere's embeddings", async () => {
  const { client, row } = await cohere();
  const answer = await client.embed({ model: 'embed-v4.0', inputType: 'search_document', texts: ['one', 'two'], embeddingTypes: ['float'] });
  assert.equal(answer.embeddings.float.length, 2);
  const { inputTokens } = answer.meta.billedUnits;
  await booked(row, '/v2/embed', inputTokens, 0, 120 * inputTokens);
});

test("Cohere's ranking", async () => {
  const { client, row } = await cohere();
  const answer = await client.rerank({ model: 'rerank-v3.5', query: 'Which?', documents: Array(101).fill('a document'), topN: 3 });
  assert.ok(answer.results.length);
  assert.equal(answer.meta.billedUnits.searchUnits, 2);
  const entry = await booked(row, '/v2/rerank', 0, 0, 4_000_000);
  assert.equal(entry.searches, 2);
});

test("Cohere's stream that breaks says so", async () => {
  const { client } = await cohere({ Fault: 'cut', 'Output-Tokens': 50 });
  const events = [];
  for await (const event of await client.chatStream({ model: 'command-a-03-2025', messages: [{ role: 'user', content: 'Hello' }] })) events.push(event);
  const last = events.at(-1);
  assert.ok(events.length > 2);
  assert.deepEqual([last.type, last.delta.finishReason], ['message-end', 'ERROR']);
  assert.match(last.delta.error, /broke off/);
});
