// OpenAI's own clients for WebSockets: of Responses and of the Realtime API.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import { ResponsesWS } from 'openai/resources/responses/ws';
import { startGate } from './gate.js';
import { simulated } from './demo.js';

let gate;
before(async () => (gate = await startGate()));
after(() => gate?.end());

/** Options of a realtime client, which knows wss only, without the TLS that a proxy before the gate would take off. */
const plain = (fields) => ({ ...simulated(fields), createConnection: ({ port }) => connect(port, '127.0.0.1') });

/** The next event of one of these types, or the error that comes before it. */
function next(client, ...types) {
  return new Promise((resolve, reject) => {
    for (const type of types) client.on(type, resolve);
    client.on('error', reject);
  });
}

const closed = (client) => new Promise((resolve) => client.socket.on('close', (code, reason) => resolve({ code, reason: String(reason) })));

test('responses', async () => {
  const { openai, row } = await gate.client({ budget_limit_cents: 100 });
  const ws = new ResponsesWS(openai, simulated({ 'Output-Tokens': 12 }));
  await new Promise((resolve) => ws.socket.on('open', resolve));
  ws.send({ type: 'response.create', model: 'gpt-4o-mini', input: 'Hello' });
  const { response } = await next(ws, 'response.completed');
  assert.equal(response.usage.output_tokens, 12);
  const entry = await row();
  assert.equal(entry.output_tokens, 12);
  assert.equal(entry.input_tokens, response.usage.input_tokens);
  assert.equal(entry.outcome, 'settled');
  ws.close();
});

test('realtime, asked and spoken to', async () => {
  const { openai, key } = await gate.client({ budget_limit_cents: 1000 });
  const rt = new OpenAIRealtimeWS({ model: 'gpt-realtime', options: plain({ 'Output-Tokens': 12 }) }, openai);
  await next(rt, 'session.created');
  rt.send({ type: 'session.update', session: { type: 'realtime', output_modalities: ['audio'], audio: { input: { turn_detection: { type: 'server_vad' } } } } });
  await next(rt, 'session.updated');
  rt.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hello' }] } });
  rt.send({ type: 'response.create' });
  const asked = (await next(rt, 'response.done')).response;
  assert.equal(asked.status, 'completed');
  assert.equal(asked.usage.output_tokens, 12);
  const again = new Promise((resolve) => rt.on('response.done', (event) => event.response.id !== asked.id && resolve(event.response)));
  rt.send({ type: 'input_audio_buffer.append', audio: 'A'.repeat(6400) });
  const spoken = await again;
  const total = asked.usage.total_tokens + spoken.usage.total_tokens;
  assert.equal((await key()).total_tokens, total);
  rt.close();
});

test('a limit that is reached closes the socket', async () => {
  const { openai, key } = await gate.client({ tokens_per_day: 1500 });
  const rt = new OpenAIRealtimeWS({ model: 'gpt-realtime', options: plain({ 'Output-Tokens': 5000 }) }, openai);
  await next(rt, 'session.created');
  const end = closed(rt);
  rt.send({ type: 'response.create' });
  const { response } = await next(rt, 'response.done');
  assert.equal(response.status, 'incomplete');
  rt.send({ type: 'response.create' });
  await assert.rejects(next(rt, 'response.done'), (err) => err.error?.code === 'tokens_limited' && /tokens_per_day/.test(err.message));
  assert.equal((await end).code, 1008);
  assert.ok((await key()).total_tokens <= 1500);
});
