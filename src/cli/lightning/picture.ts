import type * as PngJs from 'pngjs';
import { WalletError } from '../../errors/walletError.js';

const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const JPEG_SIGNATURE = Buffer.from([0xff, 0xd8, 0xff]);
/** Where a PNG says its width and height: at the beginning of its first chunk. */
const PNG_SIZE_AT = 16;
/** A photograph of a telephone has twelve million pixels, a screen eight. */
const PIXELS_MAX = 32_000_000;
const MEGAPIXELS_MAX = PIXELS_MAX / 1_000_000;
const MEMORY_MB_MAX = 512;

/** Pixels by rows, four bytes each. */
interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Whether bytes are a picture of a kind that {@link readQrCode} reads. */
export function isPicture(bytes: Buffer): boolean {
  return startsWith(bytes, PNG_SIGNATURE) || startsWith(bytes, JPEG_SIGNATURE);
}

/** The text of the QR code in a PNG or JPEG. Throws `bad_input`, which quotes nothing of it. */
export async function readQrCode(picture: Buffer): Promise<string> {
  const pixels = startsWith(picture, PNG_SIGNATURE) ? await readPng(picture) : await readJpeg(picture);
  const { default: decodeQr } = await import('qr/decode.js');
  try {
    return decodeQr(pixels);
  } catch (error) {
    throw new WalletError('bad_input', 'There is no QR code in the picture that can be read.', {
      cause: error,
    });
  }
}

async function readPng(picture: Buffer): Promise<Pixels> {
  // Bundled, the parts of a CommonJS package are those of its default alone.
  const { default: pngjs } = (await import('pngjs')) as unknown as { readonly default: typeof PngJs };
  return decoded(() => {
    const [width, height] = [picture.readUInt32BE(PNG_SIZE_AT), picture.readUInt32BE(PNG_SIZE_AT + 4)];
    if (width * height > PIXELS_MAX) throw new RangeError('too many pixels');
    return pngjs.PNG.sync.read(picture);
  });
}

async function readJpeg(picture: Buffer): Promise<Pixels> {
  const { default: jpeg } = await import('jpeg-js');
  const bounds = { maxResolutionInMP: MEGAPIXELS_MAX, maxMemoryUsageInMB: MEMORY_MB_MAX };
  return decoded(() => jpeg.decode(picture, { useTArray: true, ...bounds }));
}

function decoded(decode: () => Pixels): Pixels {
  try {
    return decode();
  } catch (error) {
    throw new WalletError('bad_input', 'The picture cannot be read, or is too large.', { cause: error });
  }
}

function startsWith(bytes: Buffer, signature: Buffer): boolean {
  return bytes.subarray(0, signature.length).equals(signature);
}
