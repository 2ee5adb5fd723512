import type { Config } from '../../config/settings.js';
import { headerValue } from '../../net/headers.js';
import { modelCap, type CallCap } from '../../policy/model.js';
import { isJsonObject, parseJson } from '../../text/json.js';
import type { CallRequest } from './request.js';

/** The owner's cap on a call of the model that a request names; undefined where it names none, or none is bound. */
export async function modelCapOf(
  { limits }: Pick<Config, 'limits'>,
  request: Pick<CallRequest, 'headers' | 'body'>,
): Promise<CallCap | undefined> {
  // A body may be large, and without a cap nobody needs to know.
  if (limits.modelPerCallUsdMicros.size === 0) return undefined;
  const model = await modelOf(request);
  return model === null ? undefined : modelCap(limits.modelPerCallUsdMicros, model);
}

/** What a body calls the model that is to answer, as JSON or as a form; null where it does not say. */
export async function modelOf({
  headers,
  body,
}: Pick<CallRequest, 'headers' | 'body'>): Promise<string | null> {
  if (body === undefined) return null;
  let { bytes } = body;
  if (bytes === null) {
    const pieces: Uint8Array[] = [];
    for await (const piece of body.read()) pieces.push(piece);
    bytes = Buffer.concat(pieces);
  }
  if (/^multipart\//i.test(headerValue(headers, 'content-type') ?? '')) {
    const form = Buffer.from(bytes).toString('latin1');
    return /\bname="?model"?[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]{1,200})/.exec(form)?.[1] ?? null;
  }
  const value = parseJson(new TextDecoder().decode(bytes));
  const model = isJsonObject(value) ? value['model'] : undefined;
  return typeof model === 'string' ? model : null;
}
