import { readFile } from 'node:fs/promises';
import { WalletError } from '../errors/walletError.js';
import { cleanText } from '../x402/untrusted.js';
import { storedPath } from './answerBody.js';
import type { Engine } from './engine.js';
import type { ResponseInput } from './input.js';
import { outcome, type Outcome } from './outcome.js';

const LENGTH_DEFAULT = 8_000;
/** About 5,000 tokens: a page an agent can read beside its work. */
const LENGTH_MAX = 20_000;
const PLACES_MAX = 20;
const AROUND = 120;

/** Pages through a stored answer, or searches it. Another agent's answers are not found. */
export async function readResponse(engine: Engine, input: ResponseInput): Promise<Outcome> {
  const text = await storedText(engine, input.id);
  if (input.find !== undefined) return search(text, input.find);
  const offset = Math.min(input.offset ?? 0, text.length);
  const page = text.slice(offset, offset + Math.min(input.length ?? LENGTH_DEFAULT, LENGTH_MAX));
  const end = offset + page.length;
  const more = end < text.length;
  return outcome({
    status: 'ok',
    code: 'ok',
    message: `Characters ${offset} to ${end} of ${text.length}.`,
    next: more ? { tool: 'wallet_response', arguments: { id: input.id, offset: end } } : null,
    untrusted: true,
    text: page,
    total: text.length,
  });
}

async function storedText(engine: Engine, id: string): Promise<string> {
  const by = id.startsWith('pay_') ? { paymentId: id } : { storedId: id };
  const answer = engine.ledger.findAnswer(engine.agent, by);
  if (answer === null) throw new WalletError('not_found', 'There is no stored answer by that id.');
  const bytes =
    answer.storedId === null ? (answer.body ?? new Uint8Array()) : await readStored(engine, answer.storedId);
  return cleanText(new TextDecoder().decode(bytes));
}

async function readStored(engine: Engine, storedId: string): Promise<Uint8Array> {
  const path = storedPath(engine.home, storedId);
  return readFile(path).catch((cause: unknown) => {
    throw new WalletError('not_found', 'The stored answer was cleared to make room.', { cause });
  });
}

function search(text: string, find: string): Outcome {
  const places: { offset: number; text: string }[] = [];
  const haystack = text.toLowerCase();
  const needle = find.toLowerCase();
  for (
    let at = haystack.indexOf(needle);
    at !== -1 && places.length < PLACES_MAX;
    at = haystack.indexOf(needle, at + needle.length)
  ) {
    places.push({ offset: at, text: text.slice(Math.max(0, at - AROUND), at + needle.length + AROUND) });
  }
  return outcome({
    status: 'ok',
    code: 'ok',
    message:
      places.length === 0
        ? 'The text does not occur in the answer.'
        : `${places.length} places${places.length === PLACES_MAX ? ' or more' : ''}.`,
    untrusted: true,
    places,
    total: text.length,
  });
}
