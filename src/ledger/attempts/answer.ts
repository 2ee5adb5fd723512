/** What a seller answered to a payment, kept so that it is never bought twice. Seller's data throughout. */
export interface Answer {
  readonly paymentId: string;
  readonly agent: string;
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  /** The body itself where it is small, else null. Without a file either, it was cleared to make room. */
  readonly body: Uint8Array | null;
  /** The id of the file that holds it where it is large, else null. */
  readonly storedId: string | null;
  readonly bytes: number;
  /** True where the answer broke off or passed the bound on what is read. */
  readonly truncated: boolean;
  readonly storedMs: number;
}

/** An answer that no payment brought, kept for its file alone. */
export type FreeAnswer = Omit<Answer, 'paymentId' | 'body' | 'storedId'> & { readonly storedId: string };

/** Whether what was answered was cleared to make room; that it was bought is still known. */
export function isCleared({ body, storedId }: Pick<Answer, 'body' | 'storedId'>): boolean {
  return body === null && storedId === null;
}
