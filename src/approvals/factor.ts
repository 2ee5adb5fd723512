import { createHmac, randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto';
import { promisify } from 'node:util';
import { z } from 'zod';
import { WalletError } from '../errors/walletError.js';
import { cleanLine } from '../text/untrusted.js';

/** The kinds of factor: a passphrase the owner types, or a passkey of a device of theirs. */
export type FactorKind = 'passphrase' | 'passkey';

/** The owner of a factor that names none: there was one owner before factors had names of owners. */
export const FIRST_OWNER = 'owner';

/** The name of an owner: small letters, digits and hyphens. */
const OWNER_NAME = /^[a-z][a-z0-9-]{0,31}$/;

/** More factors than a person has keys and devices; each passphrase among them is a stretch per try. */
export const FACTORS_MAX = 8;

/**
 * Any program of the owner's user can copy the stored record and guess at it unslowed, at some ten guesses a second
 * and core: twelve characters keep even a few plain words out of such a program's reach, and a person can still type
 * them on a phone.
 */
export const PASSPHRASE_CHARS_MIN = 12;
/** A longer one is some other text. */
export const PASSPHRASE_CHARS_MAX = 1024;

/** A label is one short line in a list. */
const LABEL_CHARS_MAX = 40;

/**
 * What a guess costs: 128 MiB and 100–250 ms, the same as for the file keystore and the first of the costs that
 * OWASP's password storage sheet gives for scrypt.
 */
const COST = { n: 2 ** 17, r: 8, p: 1 } as const;
/** Bounds on a cost that is read: a written-in weakness is refused, and so is one that eats the machine. */
const N_MIN = 2 ** 15;
const N_MAX = 2 ** 19;
const P_MAX = 4;
/** Node's own bound is 32 MiB; scrypt needs 128·n·r bytes and a little more. */
const MEMORY_BYTES_MAX = 1024 * N_MAX + 2 ** 20;

const ID_BYTES = 10;
const SALT_BYTES = 32;
const KEY_BYTES = 32;

const scryptAsync = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt);

const hexOf = (bytes: number): z.ZodString => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`));
/** WebAuthn's own bound on a credential id is 1023 bytes. */
export const credentialId = z.string().regex(/^[A-Za-z0-9_-]{1,1364}$/);
/** The largest COSE key of the algorithms we take, RSA with 4096 bits, has some 530 bytes. */
const publicKey = z.string().regex(/^[A-Za-z0-9_-]{1,1364}$/);
/** How a browser reaches an authenticator, such as `internal` or `usb`. */
export const transports = z.array(z.string().regex(/^[a-z-]{1,24}$/)).max(8);

const named = {
  id: z.string().regex(/^fac_[0-9a-f]{20}$/),
  label: z
    .string()
    .min(1)
    .max(2 * LABEL_CHARS_MAX),
  createdMs: z.int().min(0),
  /** Whom it proves; of the first owner's it says nothing. */
  owner: z.string().regex(OWNER_NAME).optional(),
};

const passphraseFactor = z.strictObject({
  ...named,
  kind: z.literal('passphrase'),
  data: z.strictObject({
    n: z
      .int()
      .min(N_MIN)
      .max(N_MAX)
      .refine((n) => Number.isInteger(Math.log2(n))),
    r: z.literal(COST.r),
    p: z.int().min(1).max(P_MAX),
    salt: hexOf(SALT_BYTES),
    key: hexOf(KEY_BYTES),
  }),
});

const passkeyFactor = z.strictObject({
  ...named,
  kind: z.literal('passkey'),
  data: z.strictObject({
    credentialId,
    /** COSE key. */
    publicKey,
    /** The authenticator's count of uses; 0 for ever with those that keep none. */
    counter: z
      .int()
      .min(0)
      .max(2 ** 32 - 1),
    transports,
    /** The name that it is bound to, for one of a page that is not at `localhost`. */
    rpId: z
      .string()
      .regex(/^[a-z0-9.-]{1,253}$/)
      .optional(),
  }),
});

const factorRecord = z.discriminatedUnion('kind', [passphraseFactor, passkeyFactor]);

/** A passphrase as it is stored: what it cost to stretch, and the result. Byte strings in lower-case hex. */
export type PassphraseFactor = Readonly<z.infer<typeof passphraseFactor>>;
/** A passkey as it is stored: its public half. Byte strings in base64url. */
export type PasskeyFactor = Readonly<z.infer<typeof passkeyFactor>>;

/** A factor as it is stored: plain JSON. Whoever stores it authenticates it, or an agent could write one in. */
export type FactorRecord = PassphraseFactor | PasskeyFactor;

/** Reads a stored factor, within the bounds it is written in. Throws `factor_unreadable`. */
export function readFactor(json: unknown): FactorRecord {
  const parsed = factorRecord.safeParse(json);
  if (parsed.success) return parsed.data;
  // T21: the parser's own error quotes what it failed on, so it does not travel as a cause.
  throw new WalletError('factor_unreadable', 'A stored factor is not as it was written.', {
    owner: { say: 'Remove that factor and add it again.', action: { kind: 'listFactors' } },
  });
}

/** What a new factor is called, and whose it is. */
export interface FactorName {
  readonly label?: string | undefined;
  /** The owner whom it proves; the first one where none is given. */
  readonly owner?: string | undefined;
}

/** The name of an owner. Throws `bad_input` for what is none. */
export function checkOwner(name: string): string {
  if (OWNER_NAME.test(name)) return name;
  throw new WalletError(
    'bad_input',
    'An owner is named by 1 to 32 small letters, digits and hyphens, a letter first.',
  );
}

/**
 * A new factor's id, label, time and owner. The label is the owner's text, cleaned and cut; an empty one is named by kind.
 * Throws `bad_input` for a name that is none.
 */
export function nameFactor(
  kind: FactorKind,
  { label = '', owner = FIRST_OWNER }: FactorName,
  nowMs: number,
): Pick<FactorRecord, 'id' | 'label' | 'createdMs' | 'owner'> {
  return {
    ...(checkOwner(owner) === FIRST_OWNER ? {} : { owner }),
    id: `fac_${randomBytes(ID_BYTES).toString('hex')}`,
    label: cleanLine(label, LABEL_CHARS_MAX) || (kind === 'passphrase' ? 'owner passphrase' : 'passkey'),
    createdMs: nowMs,
  };
}

/** The one spelling of a new owner passphrase. Throws `bad_input` for one that is too short or too long. */
export function checkPassphrase(passphrase: string): string {
  const text = passphrase.length > PASSPHRASE_CHARS_MAX ? '' : passphrase.normalize('NFKC');
  if (Array.from(text).length < PASSPHRASE_CHARS_MIN) {
    throw new WalletError(
      'bad_input',
      `An owner passphrase has ${PASSPHRASE_CHARS_MIN} to ${PASSPHRASE_CHARS_MAX} characters: programs on this machine may try to guess it.`,
    );
  }
  return text;
}

/**
 * Makes the factor of a passphrase. Characters count after NFKC, as keyboards write the same letter in several ways.
 *
 * Throws `bad_input` where it is shorter than {@link PASSPHRASE_CHARS_MIN} or longer than {@link PASSPHRASE_CHARS_MAX}.
 * The caller has to refuse one that opens the keystore: {@link resemblesPassphrase}.
 */
export async function makePassphraseFactor(
  passphrase: string,
  { nowMs, ...name }: FactorName & { readonly nowMs: number },
): Promise<PassphraseFactor> {
  const text = checkPassphrase(passphrase);
  const salt = randomBytes(SALT_BYTES);
  const key = await stretch(text, { ...COST, salt });
  return {
    ...nameFactor('passphrase', name, nowMs),
    kind: 'passphrase',
    data: { ...COST, salt: salt.toString('hex'), key: key.toString('hex') },
  };
}

/** Whether the passphrase is the factor's; takes the same time either way. Ask `judgeTries` before. */
export async function verifyPassphraseFactor(
  { data }: PassphraseFactor,
  passphrase: string,
): Promise<boolean> {
  if (passphrase.length > PASSPHRASE_CHARS_MAX) return false;
  const key = await stretch(passphrase.normalize('NFKC'), { ...data, salt: Buffer.from(data.salt, 'hex') });
  return timingSafeEqual(key, Buffer.from(data.key, 'hex'));
}

/** The first of the factors that the passphrase is, or null. Stretches once for each passphrase among them. */
export async function findPassphraseFactor(
  factors: readonly FactorRecord[],
  passphrase: string,
): Promise<PassphraseFactor | null> {
  let found: PassphraseFactor | null = null;
  // One after the other: each takes 128 MiB while it runs.
  for (const factor of factors) {
    if (factor.kind !== 'passphrase') continue;
    if ((await verifyPassphraseFactor(factor, passphrase)) && found === null) found = factor;
  }
  return found;
}

/**
 * Whether two passphrases are one, but for letter case and blanks: agents can read the unlock passphrase, so a factor
 * that resembles it proves nobody (docs/design.md, "Two secrets"). Says nothing of either by its time.
 */
export function resemblesPassphrase(passphrase: string, unlockPassphrase: string): boolean {
  const blind = randomBytes(KEY_BYTES);
  const fold = (text: string): Buffer =>
    createHmac('sha256', blind).update(text.normalize('NFKC').toLowerCase().replace(/\s/gu, '')).digest();
  return timingSafeEqual(fold(passphrase), fold(unlockPassphrase));
}

async function stretch(
  text: string,
  cost: { readonly n: number; readonly r: number; readonly p: number; readonly salt: Buffer },
): Promise<Buffer> {
  return await scryptAsync(text, cost.salt, KEY_BYTES, {
    N: cost.n,
    r: cost.r,
    p: cost.p,
    maxmem: MEMORY_BYTES_MAX,
  });
}
