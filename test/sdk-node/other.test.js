import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { simulated, startDemo } from './demo.js';

let demo;
before(async () => (demo = await startDemo()));
after(() => demo?.end());

test('text completions', async () => {
  const { openai } = await demo.client({ budget_limit_cents: 100 });
  const ask = { model: 'demo-mini', prompt: 'Once upon a time' };
  const options = simulated({ 'Output-Tokens': 8 });
  const whole = await openai.completions.create(ask, options);
  assert.equal(whole.usage.completion_tokens, 8);
  let text = '';
  for await (const chunk of await openai.completions.create({ ...ask, stream: true }, options)) {
    assert.equal(chunk.choices.length, 1, 'nobody asked for a chunk with usage only');
    assert.ok(!chunk.usage);
    text += chunk.choices[0].text;
  }
  assert.equal(text, whole.choices[0].text);
});

test('embeddings', async () => {
  const { openai, key } = await demo.client({ budget_limit_cents: 100 });
  const ask = { model: 'demo-embed', input: ['one', 'two'], dimensions: 64 };
  // Without a format the SDK asks for base64 and decodes it itself.
  const encoded = await openai.embeddings.create(ask);
  const floats = await openai.embeddings.create({ ...ask, encoding_format: 'float' });
  assert.equal(encoded.data.length, 2);
  assert.equal(encoded.data[1].index, 1);
  assert.equal(encoded.data[0].embedding.length, 64);
  encoded.data[0].embedding.forEach((v, i) => assert.ok(Math.abs(v - floats.data[0].embedding[i]) < 1e-6));
  assert.equal((await key()).total_tokens, encoded.usage.total_tokens + floats.usage.total_tokens);
  const tokens = await openai.embeddings.create({ model: 'demo-embed', input: [[1, 2, 3], [4, 5]] });
  assert.equal(tokens.data.length, 2);
});

test('models', async () => {
  const { openai } = await demo.client({ allowed_models: ['demo-m*', 'demo-embed'] });
  const names = [];
  for await (const model of openai.models.list()) {
    assert.equal(model.object, 'model');
    assert.ok(model.owned_by);
    names.push(model.id);
  }
  assert.deepEqual(names.sort(), ['demo-embed', 'demo-mini']);
  for (const name of names) assert.equal((await openai.models.retrieve(name)).id, name);
  assert.ok((await openai.models.retrieve('demo/demo-mini')).id.endsWith('demo-mini'));
  await assert.rejects(openai.models.retrieve('no-such-model'), (e) => {
    assert.ok(e instanceof OpenAI.NotFoundError);
    assert.equal(e.code, 'model_not_found');
    return true;
  });
});
