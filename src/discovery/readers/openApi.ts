import { isJsonObject, statedField, statedText, type JsonObject, type JsonValue } from '../../text/json.js';
import { categorise } from '../category.js';
import {
  ABOUT_MAX,
  objectIn,
  readLine,
  readListedUrl,
  readMethod,
  readTags,
  TITLE_MAX,
  UNKNOWN_USE,
  type InputShape,
  type Listing,
  type Reading,
} from './listing.js';
import { readPaymentInfo } from './paymentInfo.js';
import { compactExample, compactSchema, objectSchema, type Resolve } from './schemaShape.js';
import { siteOf } from '../site.js';

const PAYMENT_INFO = 'x-payment-info';
/** The largest documents seen have some hundreds of operations. */
const OPERATIONS_MAX = 2_000;
const PARAMETERS_MAX = 40;

/** What a site says of itself beside its endpoints. */
export interface OpenApiReading extends Reading {
  /** Seller prose, cleaned and cut: data, never instructions. */
  readonly guidance: string | null;
}

/**
 * Reads an OpenAPI document's priced operations: those with `x-payment-info`, and those that answer 402. Undefined
 * where the document is no OpenAPI.
 *
 * T17: a document speaks for its own site alone; operations on another site's servers are dropped and counted.
 */
export function readOpenApi(document: JsonValue, documentUrl: string): OpenApiReading | undefined {
  if (!isJsonObject(document)) return undefined;
  const paths = statedField(document, 'paths');
  const stated = statedField(document, 'openapi') ?? statedField(document, 'swagger');
  if (!isJsonObject(paths) || stated === undefined) return undefined;
  const listings: Listing[] = [];
  let dropped = 0;
  for (const operation of operationsOf(paths)) {
    const listing = readOperation(document, documentUrl, operation);
    if (listing === undefined) dropped += 1;
    else if (listing !== null) listings.push(listing);
  }
  return {
    listings,
    dropped,
    guidance: readLine(statedField(objectIn(document, 'info'), 'x-guidance'), ABOUT_MAX),
  };
}

interface Operation {
  readonly path: string;
  readonly method: string;
  readonly item: JsonObject;
  readonly operation: JsonObject;
}

function* operationsOf(paths: JsonObject): Generator<Operation> {
  let count = 0;
  for (const [path, item] of Object.entries(paths)) {
    if (!isJsonObject(item)) continue;
    for (const [name, operation] of Object.entries(item)) {
      const method = readMethod(name);
      if (method === undefined || !isJsonObject(operation)) continue;
      if ((count += 1) > OPERATIONS_MAX) return;
      yield { path, method, item, operation };
    }
  }
}

/** Null for an operation that asks for no payment; undefined for a priced one that cannot be listed. */
function readOperation(
  document: JsonObject,
  documentUrl: string,
  { path, method, item, operation }: Operation,
): Listing | null | undefined {
  const info = statedField(operation, PAYMENT_INFO) ?? statedField(item, PAYMENT_INFO);
  const asksPayment = statedField(objectIn(operation, 'responses'), '402') !== undefined;
  if (info === undefined && !asksPayment) return null;
  const payment = readPaymentInfo(info);
  if (payment === undefined && !asksPayment) return undefined;
  const url = urlOf(document, documentUrl, path);
  if (url === undefined) return undefined;
  const resolve = resolverOf(document);
  const service = objectIn(document, 'x-service-info');
  const about = readLine(
    statedField(operation, 'description') ?? statedField(operation, 'summary'),
    ABOUT_MAX,
  );
  const title =
    readLine(statedField(operation, 'summary') ?? statedField(operation, 'operationId'), TITLE_MAX) ??
    readLine(statedField(objectIn(document, 'info'), 'title'), TITLE_MAX);
  const tags = readTags(statedField(operation, 'tags'), statedField(service, 'categories'));
  return {
    url,
    method,
    title,
    about,
    tags,
    category: categorise(tags, `${title ?? ''} ${about ?? ''}`),
    price: payment?.price ?? null,
    offers: [],
    protocols: payment?.protocols ?? [],
    input: readInput(item, operation, resolve),
    output: readOutput(operation, resolve),
    use: UNKNOWN_USE,
  };
}

/** Servers may be relative; a path is joined to the server's own, as the specification has it. */
function urlOf(document: JsonObject, documentUrl: string, path: string): string | undefined {
  const servers = statedField(document, 'servers');
  const first = Array.isArray(servers) ? servers.find(isJsonObject) : undefined;
  const base = readListedUrl(first === undefined ? '/' : (statedText(first, 'url') ?? '/'), documentUrl);
  if (base === undefined) return undefined;
  const url = readListedUrl(`${base.replace(/[?].*$/s, '').replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`);
  if (url === undefined) return undefined;
  return siteOf(new URL(url).host) === siteOf(new URL(documentUrl).host) ? url : undefined;
}

/** Only references into the document itself are followed. */
function resolverOf(document: JsonObject): Resolve {
  return (ref) => {
    if (!ref.startsWith('#/') || ref.length > 400) return undefined;
    let node: JsonValue | undefined = document;
    for (const step of ref.slice(2).split('/')) {
      if (!isJsonObject(node)) return undefined;
      node = statedField(node, step.replaceAll('~1', '/').replaceAll('~0', '~'));
    }
    return node;
  };
}

function readInput(item: JsonObject, operation: JsonObject, resolve: Resolve): InputShape | null {
  const query: JsonObject = {};
  const required: string[] = [];
  const parameters = [statedField(item, 'parameters'), statedField(operation, 'parameters')].flatMap(
    (list) => (Array.isArray(list) ? list.slice(0, PARAMETERS_MAX) : []),
  );
  for (const stated of parameters) {
    const ref = isJsonObject(stated) ? statedText(stated, '$ref') : undefined;
    const parameter = ref === undefined ? stated : resolve(ref);
    if (!isJsonObject(parameter) || statedText(parameter, 'in') !== 'query') continue;
    const name = readLine(statedField(parameter, 'name'), 48);
    if (name === null) continue;
    const described = { ...objectIn(parameter, 'schema') };
    for (const field of ['description', 'example'] as const) {
      const value = statedField(parameter, field);
      if (value !== undefined) described[field] = value;
    }
    query[name] = compactSchema(described, resolve) ?? {};
    if (statedField(parameter, 'required') === true) required.push(name);
  }
  const content = objectIn(objectIn(operation, 'requestBody'), 'content');
  const json = jsonContent(content);
  const shape: InputShape = {
    query: objectSchema(query, required),
    body: json === undefined ? null : compactSchema(statedField(json, 'schema'), resolve),
    exampleQuery: null,
    exampleBody: json === undefined ? null : compactExample(statedField(json, 'example')),
  };
  return shape.query === null && shape.body === null && shape.exampleBody === null ? null : shape;
}

function readOutput(operation: JsonObject, resolve: Resolve): JsonValue | null {
  const responses = objectIn(operation, 'responses');
  const answer = objectIn(responses, '200');
  const json = jsonContent(objectIn(answer, 'content'));
  if (json === undefined) return null;
  return compactSchema(statedField(json, 'schema'), resolve) ?? compactExample(statedField(json, 'example'));
}

function jsonContent(content: JsonObject): JsonObject | undefined {
  const entry = Object.entries(content).find(([type]) => /[/+]json\b/i.test(type));
  return isJsonObject(entry?.[1]) ? entry[1] : undefined;
}
