/** Who may come in: a bearer token stands for one agent. */
export interface AgentAccess {
  /**
   * The name of the agent whose token this is; undefined where it is nobody's, or no longer anybody's. Asked for every
   * request, so that a token taken back counts from the next one on. Compares in constant time.
   *
   * Throws a `WalletError` where it cannot be told, such as while the keystore is locked.
   */
  authenticate(token: string): Promise<string | undefined>;
  /** Why a token that is known opens nothing now: its agent is suspended, or its time is over. Null for any other. Throws as above. */
  barOf(token: string): Promise<'suspended' | 'expired' | null>;
  /** Whether an agent's time is over, or it was removed: its sessions end. Throws as above. */
  isOver(agent: string): Promise<boolean>;
  /**
   * The key of this agent's tunnels, see `tunnelKeyOf`; undefined for an agent that is not there, or may not come in.
   * Throws as {@link authenticate} does.
   */
  tunnelKey(agent: string): Promise<Uint8Array | undefined>;
}

/** The agent that a request comes from, the request's id in log and journal, and when it came. */
export interface Caller {
  readonly agent: string;
  readonly requestId: string;
  /** By `performance.now()`: what a request waits for its turn is part of the time its caller gave it. */
  readonly arrivedMs: number;
}
