import Anthropic, { APIError as AnthropicError } from '@anthropic-ai/sdk';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { ChatOpenAI } from '@langchain/openai';
import { generateText, streamText } from 'ai';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import OpenAI, { APIError } from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectLedgerIsChain, settleAll } from '../support/truth.js';
import { startProxyWorld, UPSTREAM, type ProxyWorld } from './fixture.js';

let here: ProxyWorld;
let openai: OpenAI;
let anthropic: Anthropic;

beforeAll(async () => {
  here = await startProxyWorld({ 'limits.per_call_usd': '0.02' });
  // As `purser run` sets it: the base without a secret, and the token as the key.
  const url = `${here.proxy.url}/${UPSTREAM}`;
  openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: here.token });
  anthropic = new Anthropic({ baseURL: `${here.proxy.url}/claude`, apiKey: here.token });
});

afterAll(async () => {
  await settleAll(here.world, here.wallet);
  await expectLedgerIsChain(here.world, here.mine, here.wallet);
  await here.stop();
});

let asked = 0;
const ask = (content = 'question') => ({
  model: 'small-model',
  messages: [{ role: 'user', content: `${content} ${++asked}` } as const],
});
const CITY = { type: 'object', properties: { city: { type: 'string' } } } as const;

describe('the openai package', () => {
  test('completes, calls tools, embeds, draws and speaks', async () => {
    const { data, response } = await openai.chat.completions.create(ask()).withResponse();
    expect(data.choices[0]?.message.content).toBe('Hello there');
    expect(response.headers.get('x-cost-usd-cents')).toBe('1');
    const weather = { type: 'function', function: { name: 'weather', parameters: CITY } } as const;
    const called = await openai.chat.completions.create({ ...ask(), tools: [weather] });
    expect(called.choices[0]?.message.tool_calls?.[0]).toMatchObject({ function: { name: 'weather' } });
    const embedded = await openai.embeddings.create({
      model: 'small-model',
      input: 'text',
      encoding_format: 'float',
    });
    expect(embedded.data[0]?.embedding).toEqual([0.25, -0.5]);
    const image = await openai.images.generate({ model: 'small-model', prompt: 'a pixel' });
    expect(
      Buffer.from(image.data?.[0]?.b64_json ?? '', 'base64')
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
    const speech = await openai.audio.speech.create({ model: 'small-model', voice: 'alloy', input: 'hello' });
    expect((await speech.arrayBuffer()).byteLength).toBe(200_000);
    expect((await openai.models.list()).data).toHaveLength(2);
  });

  test('streams', async () => {
    let text = '';
    for await (const chunk of await openai.chat.completions.create({ ...ask(), stream: true }))
      text += chunk.choices[0]?.delta.content ?? '';
    expect(text).toBe('Hello there');
  });

  test('uploads audio whole, and a retry with another boundary is the same payment', async () => {
    const file = new File([Buffer.alloc(3_000_000, 1)], 'speech.mp3');
    const before = here.gateway.payments();
    // The first answer is an error that the SDK asks again after; the form then has another boundary.
    here.gateway.failNext(500);
    const heard = await openai.audio.transcriptions.create({ model: 'small-model', file });
    expect(heard.text).toBe('heard much');
    expect(here.gateway.payments()).toBe(before + 1);
    const types = here.gateway
      .paid()
      .slice(-2)
      .map(({ headers }) => headers['content-type']);
    expect(new Set(types).size).toBe(2);
  });

  test('asks again by itself after an error of the seller’s, and pays once', async () => {
    const before = here.gateway.payments();
    here.gateway.failNext(500, 503);
    const answer = await openai.chat.completions.create(ask());
    expect(answer.choices[0]?.message.content).toBe('Hello there');
    expect(here.gateway.payments()).toBe(before + 1);
  });

  test('throws where a stream breaks off, and says what became of the money', async () => {
    const stream = await openai.chat.completions.create({ ...ask('break'), stream: true });
    here.gateway.letGo();
    const failed = await drain(stream);
    expect(failed).toBeInstanceOf(APIError);
    expect(String(failed)).toContain('Paid $0.01');
  });

  test('stops at once where the wallet says no: it neither asks again nor pays', async () => {
    const before = here.gateway.orders.length;
    const [began, failed] = [
      performance.now(),
      await caught(openai.chat.completions.create({ ...ask(), model: 'large-model' })),
    ];
    expect(failed).toMatchObject({ status: 402, code: 'approval_required', type: 'insufficient_quota' });
    expect(here.gateway.orders).toHaveLength(before + 1);
    expect(performance.now() - began).toBeLessThan(60_000);
  });
});

describe('the @anthropic-ai/sdk package', () => {
  const question = (content?: string) => ({ ...ask(content), max_tokens: 10 });

  test('answers, calls tools and streams', async () => {
    const message = await anthropic.messages.create(question());
    expect(message.content).toMatchObject([{ type: 'text', text: 'Hello there' }]);
    const weather = { name: 'weather', input_schema: CITY };
    const called = await anthropic.messages.create({
      ...question(),
      tools: [{ ...weather, input_schema: { ...CITY } }],
    });
    expect(called.content[0]).toMatchObject({ type: 'tool_use', name: 'weather' });
    const streamed = await anthropic.messages.stream(question()).finalText();
    expect(streamed).toBe('Hello there');
  });

  test('throws where a stream breaks off, stops where the wallet says no, and hangs up for who aborts', async () => {
    const stream = await anthropic.messages.create({ ...question('break'), stream: true });
    here.gateway.letGo();
    const failed = await drain(stream);
    expect(failed).toBeInstanceOf(AnthropicError);
    expect(String(failed)).toContain('Paid $0.01');

    const before = here.gateway.orders.length;
    const refused = await caught(anthropic.messages.create({ ...question(), model: 'large-model' }));
    expect(refused).toMatchObject({ status: 402, error: { error: { type: 'billing_error' } } });
    expect(here.gateway.orders).toHaveLength(before + 1);

    const gone = here.gateway.hungUp();
    const held = anthropic.messages.stream(question('hold'));
    held.on('text', () => held.abort());
    await caught(held.done());
    await gone;
    here.gateway.letGo();
  });
});

test('Vercel’s ai package writes and streams over both APIs', async () => {
  const models = [
    createOpenAI({ baseURL: `${here.proxy.url}/${UPSTREAM}/v1`, apiKey: here.token }).chat('small-model'),
    createAnthropic({ baseURL: `${here.proxy.url}/claude/v1`, apiKey: here.token })('small-model'),
  ];
  for (const model of models) {
    const { text } = await generateText({ model, prompt: `question ${++asked}` });
    expect(text).toBe('Hello there');
    expect(await streamText({ model, prompt: `question ${++asked}` }).text).toBe('Hello there');
  }
});

test('LangChain’s ChatOpenAI answers and streams', async () => {
  const model = new ChatOpenAI({
    model: 'small-model',
    apiKey: here.token,
    configuration: { baseURL: `${here.proxy.url}/${UPSTREAM}/v1` },
  });
  expect((await model.invoke(`question ${++asked}`)).content).toBe('Hello there');
  let text = '';
  for await (const chunk of await model.stream(`question ${++asked}`)) text += String(chunk.content);
  expect(text).toBe('Hello there');
});

async function drain(stream: AsyncIterable<unknown>): Promise<unknown> {
  return caught(
    (async () => {
      for await (const _piece of stream);
    })(),
  );
}

async function caught(work: PromiseLike<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error('It went well');
}

describe('requests of the openai package for Python, as they were recorded', () => {
  interface Recorded {
    readonly method: string;
    readonly path: string;
    readonly headers: readonly (readonly [string, string])[];
    /** Bytes as Latin-1. */
    readonly body: string;
  }
  const { requests } = JSON.parse(readFileSync(new URL('pythonOpenai.json', import.meta.url), 'utf8')) as {
    requests: readonly Recorded[];
  };

  /** Sends a request with its headers as they were, in their order and spelling, but for the key and the host. */
  async function replay({ method, path, headers, body }: Recorded) {
    const { host, port } = new URL(here.proxy.url);
    const own = headers.map(([name, value]) => [name, value.replace('KEY', here.token)]);
    const request = httpRequest({
      ...{ host: '127.0.0.1', port, method, path: `/${UPSTREAM}${path}` },
      headers: [['Host', host], ...own].flat(),
    });
    request.end(Buffer.from(body, 'latin1'));
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return { response, body: await text(response) };
  }

  /** Asks again until the call before has ended, which it has not by the time its error is down. */
  async function replayOnceFree(recorded: Recorded) {
    for (;;) {
      const answered = await replay(recorded);
      if (answered.response.statusCode !== 503) return answered;
      await delay(100);
    }
  }

  test('completes after a retry for one payment, streams, uploads and lists', async () => {
    const [first, retry, stream, upload, list] = requests as [
      Recorded,
      Recorded,
      Recorded,
      Recorded,
      Recorded,
    ];
    const before = here.gateway.payments();
    here.gateway.failNext(500);
    expect((await replay(first)).response.statusCode).toBe(500);
    const completed = await replayOnceFree(retry);
    expect(completed.response.statusCode).toBe(200);
    expect(JSON.parse(completed.body)).toMatchObject({
      choices: [{ message: { content: 'Hello there' } }],
    });
    expect(here.gateway.payments()).toBe(before + 1);
    const streamed = await replay(stream);
    expect(streamed.response.headers['content-type']).toBe('text/event-stream');
    expect(streamed.body).toMatch(/data: \[DONE\]\n\n$/);
    expect((await replay(upload)).response.statusCode).toBe(200);
    expect(here.gateway.payments()).toBe(before + 3);
    expect(JSON.parse((await replay(list)).body)).toMatchObject({
      object: 'list',
      data: [{ id: 'small-model', pricing: { per_call_usd: '0.01' } }, { id: 'large-model' }],
    });
    expect(here.gateway.payments()).toBe(before + 3);
  });
});
