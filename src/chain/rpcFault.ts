/**
 * What kind of no-answer it was: nothing came in time, or the operator is busy or broken; it refused this question;
 * the answer was longer than we read; it was not what the question asks for; the endpoint serves another chain; its
 * history begins after what is asked about, so that it can rule nothing out (T31).
 */
export type RpcFaultKind = 'no_answer' | 'refused' | 'too_large' | 'malformed' | 'wrong_chain' | 'pruned';

/**
 * One RPC endpoint gave no usable answer. The message is ours and names the endpoint by its origin alone: the path or
 * the query of an RPC URL is often the owner's API key. For the same reason it has no `cause`; the errors of the layers
 * below print the whole URL.
 */
export class RpcFault extends Error {
  readonly kind: RpcFaultKind;
  readonly origin: string;
  /** The code of the JSON-RPC error that it answered; null where it answered none. */
  readonly rpcCode: number | null;

  constructor(kind: RpcFaultKind, origin: string, what: string, rpcCode: number | null = null) {
    super(`${origin} ${what}`);
    this.name = 'RpcFault';
    this.kind = kind;
    this.origin = origin;
    this.rpcCode = rpcCode;
  }
}
