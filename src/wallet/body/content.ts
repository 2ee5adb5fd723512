import { WalletError } from '../../errors/walletError.js';
import type { SentFile } from '../../approvals/question.js';
import type { Config } from '../../config/settings.js';
import type { CallContent } from '../call/request.js';
import type { BodyInput, FormFile, FormValue } from '../input.js';
import { openBodyFile, type BodyFile, type FileRules } from './bodyFile.js';
import { BINARY_TYPE, memoryBody } from './callBody.js';
import { encodeForm, encodeUrlForm, FORM_PARTS_MAX, type FormPart } from './form.js';
import { typeOfFile } from './fileType.js';
import { spoolBody, tooLarge } from './spool.js';
import { REQUEST_BODY_BYTES_MAX } from '../../net/send.js';

/** Who sends, and which files of this machine they may send. */
export interface ContentPlace {
  readonly home: string;
  readonly agent: string;
  readonly keyedHash: (text: string) => string;
  /** Null where whoever calls is served from elsewhere: this machine's files are not theirs. */
  readonly files: Pick<FileRules, 'env' | 'platform'> | null;
}

/**
 * What a call sends that its `body` does not say: bytes as base64, a file, or a form. Undefined where it says none of
 * these. The bytes are taken before anything is sent, and are then the call's own.
 *
 * Throws `bad_input`, `file_not_allowed` and `home_unusable`; `timed_out` where the files are not read by then.
 */
export async function readContent(
  place: ContentPlace,
  config: Config,
  input: BodyInput,
  signal: AbortSignal,
): Promise<CallContent | undefined> {
  const given = NAMES.filter((name) => input[name] !== undefined);
  const [first, second] = given;
  if (second !== undefined)
    throw new WalletError('bad_input', `${first} and ${second} are given both; a call has one body.`);
  if (first === undefined || first === 'body') return undefined;
  signal.throwIfAborted();
  return untilAborted(take(place, config, input), signal);
}

const NAMES = ['body', 'body_base64', 'body_file', 'form'] as const;

async function take(place: ContentPlace, config: Config, input: BodyInput): Promise<CallContent> {
  if (input.body_base64 !== undefined) {
    const bytes = fromBase64(input.body_base64, 'body_base64');
    return { body: await spoolBody(place, memoryBody(bytes).read()), contentType: BINARY_TYPE };
  }
  const opened: BodyFile[] = [];
  const open = async (path: string): Promise<BodyFile> => {
    if (place.files === null) throw servedElsewhere();
    const { home, files } = place;
    const file = await openBodyFile(path, { home, ...files, sendFrom: config.files.sendFrom });
    opened.push(file);
    return file;
  };
  try {
    if (input.body_file !== undefined) {
      const file = await open(input.body_file);
      const body = await spoolBody(place, file.read());
      return { body, contentType: typeOfFile(file.name), files: opened.map(sentFile) };
    }
    const content = await takeForm(place, input, await partsOf(input.form ?? {}, open));
    return { ...content, files: opened.map(sentFile) };
  } finally {
    await Promise.all(opened.map((file) => file.close()));
  }
}

function sentFile({ path, length }: BodyFile): SentFile {
  return { path, bytes: length };
}

async function takeForm(
  place: ContentPlace,
  { headers }: BodyInput,
  parts: FormPart[],
): Promise<CallContent> {
  const [, named = ''] =
    Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === 'content-type') ?? [];
  if (/^application\/x-www-form-urlencoded/i.test(named))
    return { body: memoryBody(Buffer.from(encodeUrlForm(parts))), contentType: named };
  if (named !== '' && !/^multipart\/form-data/i.test(named))
    throw new WalletError(
      'bad_input',
      'A form is sent as multipart/form-data or application/x-www-form-urlencoded.',
    );
  const { contentType, pieces } = await encodeForm(parts, place.keyedHash);
  // Nobody but the encoder knows the boundary.
  return { body: await spoolBody(place, pieces), contentType, isOnlyType: true };
}

async function partsOf(
  form: Readonly<Record<string, FormValue | readonly FormValue[]>>,
  open: (path: string) => Promise<BodyFile>,
): Promise<FormPart[]> {
  const values = Object.entries(form).flatMap(([name, value]) =>
    [value].flat().map((one) => ({ name, one: one as FormValue })),
  );
  if (values.length > FORM_PARTS_MAX)
    throw new WalletError('bad_input', `A form has at most ${FORM_PARTS_MAX} fields.`);
  const parts: FormPart[] = [];
  for (const { name, one } of values) {
    if (typeof one !== 'object') parts.push({ name, content: String(one) });
    else
      parts.push({ name, content: await contentOf(name, one, open), filename: one.filename, type: one.type });
  }
  return parts;
}

async function contentOf(
  name: string,
  { file, base64 }: FormFile,
  open: (path: string) => Promise<BodyFile>,
): Promise<FormPart['content']> {
  if ((file === undefined) === (base64 === undefined))
    throw new WalletError('bad_input', `The form's field "${name}" needs either file, a path, or base64.`);
  return base64 === undefined
    ? { file: await open(file ?? '') }
    : { bytes: fromBase64(base64, `form.${name}.base64`) };
}

/** Node reads as base64 whatever it is given, up to where it is none. */
function fromBase64(text: string, name: string): Uint8Array {
  const bare = text.replace(/^data:[^,]{0,200};base64,/, '').replace(/\s+/g, '');
  if ((bare.length / 4) * 3 > REQUEST_BODY_BYTES_MAX + 3) throw tooLarge();
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(bare) || bare.replace(/=+$/, '').length % 4 === 1)
    throw new WalletError('bad_input', `${name} is not base64.`);
  return Buffer.from(bare, 'base64');
}

/** A disk, or a file system of somebody's program, may never answer: the call ends all the same. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let abandon = (): void => undefined;
  const over = new Promise<never>((_, reject) => {
    abandon = () =>
      reject(
        new WalletError('timed_out', 'The files to send were not read in time; nothing was sent.', {
          retry: 'same_call',
        }),
      );
    signal.addEventListener('abort', abandon, { once: true });
  });
  // Where the call is over first, what the work comes to is nobody's.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, over]);
  } finally {
    signal.removeEventListener('abort', abandon);
  }
}

function servedElsewhere(): WalletError {
  return new WalletError(
    'file_not_allowed',
    'This wallet serves its agents from another place, and reads no files for them: pass the bytes as body_base64, or as base64 in a form.',
  );
}
