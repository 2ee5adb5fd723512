import { isPlainSignIn, type SignInDemand } from '../../../payment/signIn.js';
import { isJsonObject, statedField, statedText, type JsonObject } from '../../../text/json.js';

const SIGN_IN_WITH_X = 'sign-in-with-x';
/** CAIP-122 has no other. */
const VERSION = '1';
/** Networks of one demand that are looked at; real ones name one to three. */
const NETWORKS_MAX = 16;
/** How a network signs, which a seller says beside its name. */
const SIGNATURES: Readonly<Record<string, string>> = { eip155: 'eip191', solana: 'ed25519' };

/**
 * The demand to sign in that stands in a challenge's extensions, where it is of the origin that asked and of plain text;
 * else undefined. Nobody can have a signature made for another site, or for words that its fields do not say (T38).
 * Extension `sign-in-with-x` of x402.
 */
export function readSignIn(extensions: JsonObject | undefined, requestUrl: string): SignInDemand | undefined {
  const stated = extensions === undefined ? undefined : statedField(extensions, SIGN_IN_WITH_X);
  const info = isJsonObject(stated) ? statedField(stated, 'info') : undefined;
  const asked = URL.parse(requestUrl);
  if (!isJsonObject(stated) || !isJsonObject(info) || asked === null) return undefined;
  const [domain, uri] = [statedText(info, 'domain'), statedText(info, 'uri')];
  const [nonce, issuedAt] = [statedText(info, 'nonce'), statedText(info, 'issuedAt')];
  if (domain !== asked.host || uri === undefined || URL.parse(uri)?.origin !== asked.origin) return undefined;
  if (nonce === undefined || issuedAt === undefined || statedField(info, 'version') !== VERSION)
    return undefined;
  const resources = statedField(info, 'resources') ?? [];
  if (!Array.isArray(resources) || !resources.every((resource) => typeof resource === 'string'))
    return undefined;
  const demand = {
    ...{ domain, uri, nonce, issuedAt, resources },
    statement: statedText(info, 'statement'),
    expirationTime: statedText(info, 'expirationTime'),
    notBefore: statedText(info, 'notBefore'),
    requestId: statedText(info, 'requestId'),
  };
  if (!isPlainSignIn(demand)) return undefined;
  const networks = readNetworks(stated);
  return networks.length === 0 ? undefined : { ...demand, networks };
}

function readNetworks(stated: JsonObject): string[] {
  const chains = statedField(stated, 'supportedChains');
  if (!Array.isArray(chains)) return [];
  return chains.slice(0, NETWORKS_MAX).flatMap((chain) => {
    if (!isJsonObject(chain)) return [];
    const name = statedText(chain, 'chainId');
    const type = statedText(chain, 'type');
    return name !== undefined && type === SIGNATURES[name.split(':', 1)[0] ?? ''] ? [name] : [];
  });
}
