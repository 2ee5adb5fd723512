import { readPolicy, type Policy } from '../../config/policy.js';
import { WalletError } from '../../errors/walletError.js';
import { readBounded } from '../terminal/input/boundedFile.js';

/** As much as a config may have. */
const FILE_BYTES_MAX = 256 * 1024;

/** Reads a policy from a file. Throws `bad_input`. */
export async function policyIn(file: string): Promise<Policy> {
  const { bytes } = await readBounded(file, FILE_BYTES_MAX).catch((error: unknown) => {
    const { code = 'it cannot be read' } = error as NodeJS.ErrnoException;
    throw new WalletError('bad_input', `The policy cannot be read from ${file}: ${code}.`);
  });
  if (bytes === null)
    throw new WalletError('bad_input', `A policy has at most ${FILE_BYTES_MAX} bytes: ${file} has more.`);
  return readPolicy(bytes.toString('utf8'));
}
